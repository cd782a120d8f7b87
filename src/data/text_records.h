#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "file_bytes.h"
#include "json_record.h"
#include "text_cell.h"

namespace sidenet {

enum class TextFormat {
  tsv,    ///< cells between tabs; quotes are text
  csv,    ///< RFC 4180: quoted cells may hold commas, line ends, and quotes as ""
  jsonl,  ///< an object a line
  trec    ///< "LABEL:detail text" a line; two cells, LABEL and text
};

/// A file of records. Lines end with LF or CRLF; empty ones are passed over, a byte order mark too.
struct TextFile {
  FileBytes file;
  TextFormat format = TextFormat::tsv;
  bool sniffed = false;     ///< the format was found from the bytes
  bool latin1 = false;      ///< else UTF-8, which the reader does not check
  std::size_t columns = 0;  ///< .tsv, .csv: what each record must have; 0: any number
  JsonColumns keys;         ///< .jsonl

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
  /// The same, Latin-1 as UTF-8 in `decoded`. Throws Error for Latin-1 over kMaxJsonLineBytes.
  std::string_view next_json_line(std::string& decoded);
  /// Of what comes next, from 1.
  std::int64_t line() const { return line_; }

 private:
  void skip_empty_lines();
  std::string_view take_line();
  Cell& start_cell(Record& record, std::size_t column) const;
  void append(Cell& cell, std::string_view bytes, std::int64_t line) const;
  void read_tsv(Record& record);
  void read_csv(Record& record);
  void read_quoted(Cell& cell);
  void read_trec(Record& record);
  void read_json(Record& record);
  void check_columns(const Record& record) const;

  const TextFile& file_;
  std::string_view bytes_;
  std::size_t at_ = 0;
  std::int64_t line_ = 1;
  std::string decoded_;  // a Latin-1 line of .jsonl as UTF-8
};

}  // namespace sidenet
