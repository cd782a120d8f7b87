#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "file_bytes.h"
#include "json_record.h"
#include "sidenet/dataset.h"
#include "text_cell.h"

namespace sidenet {

enum class TextFormat {
  tsv,    ///< cells between tabs
  csv,    ///< cells between commas
  jsonl,  ///< an object a line
  trec    ///< "LABEL:detail text" a line; two cells, LABEL and text
};

/// A file of records. Lines end with LF or CRLF; empty ones are passed over, a byte order mark too.
struct TextFile {
  FileBytes file;
  TextFormat format = TextFormat::tsv;
  bool sniffed = false;                        ///< the format was found from the bytes
  TextEncoding encoding = TextEncoding::utf8;  ///< which the reader does not check
  char delimiter = 0;                          ///< what parts cells; 0: what the format says
  std::optional<bool>
      quoted{};             ///< RFC 4180: quotes enclose cells; else they are text; none: .csv's do
  std::string found{};      ///< what settle_cells() found out, for a note
  std::size_t columns = 0;  ///< .tsv, .csv: what each record must have; 0: any number
  JsonColumns keys;         ///< .jsonl

  char cell_end() const {
    return delimiter != 0 ? delimiter : format == TextFormat::csv ? ',' : '\t';
  }
  bool has_quoted_cells() const { return quoted.value_or(format == TextFormat::csv); }
  std::string_view bytes() const {
    return {reinterpret_cast<const char*>(file.bytes.data()), file.bytes.size()};
  }
};

struct Record {
  std::uint64_t begin = 0;  ///< byte offset in the file
  std::int64_t line = 0;    ///< of its first byte, from 1
  std::vector<Cell> cells;
};

class RecordReader {
 public:
  explicit RecordReader(const TextFile& file);
  /// Goes on with the record that starts at `begin` in line `line`.
  RecordReader(const TextFile& file, std::uint64_t begin, std::int64_t line)
      : file_(file), bytes_(file.bytes()), at_(begin), line_(line) {}

  /// False at the end of the file. Throws Error with file and line: another number of columns, a
  /// quote that is not closed, a cell over kMaxCellBytes, more than kMaxColumns columns, malformed
  /// JSON, a line that is not TREC's.
  bool next(Record& record);
  /// The next line that is not empty, as bytes; empty at the end of the file.
  std::string_view next_line();
  /// The same, other encodings as UTF-8 in `decoded`. Throws Error where that is over
  /// kMaxJsonLineBytes.
  std::string_view next_json_line(std::string& decoded);
  /// Of what comes next, from 1.
  std::int64_t line() const { return line_; }

 private:
  void skip_empty_lines();
  std::string_view take_line();
  Cell& start_cell(Record& record, std::size_t column) const;
  void append(Cell& cell, std::string_view bytes, std::int64_t line) const;
  void read_plain_cells(Record& record);
  void read_quoted_cells(Record& record);
  void read_quoted(Cell& cell);
  void read_trec(Record& record);
  void read_json(Record& record);
  void check_columns(const Record& record) const;

  const TextFile& file_;
  std::string_view bytes_;
  std::size_t at_ = 0;
  std::int64_t line_ = 1;
  std::string decoded_;  // a line of .jsonl in another encoding as UTF-8
};

}  // namespace sidenet
