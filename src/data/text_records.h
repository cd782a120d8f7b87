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
  json,   ///< objects in one list
  trec    ///< "LABEL:detail text" a line; two cells, LABEL and text
};

/// Appends bytes of that encoding, which are not checked, as UTF-8.
void append_decoded(std::string_view bytes, TextEncoding encoding, std::string& text);

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
  JsonColumns keys;         ///< of objects

  char cell_end() const {
    return delimiter != 0 ? delimiter : format == TextFormat::csv ? ',' : '\t';
  }
  bool has_objects() const { return format == TextFormat::jsonl || format == TextFormat::json; }
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
      : file_(file), bytes_(file.bytes()), at_(begin), line_(line), list_(List::at_object) {}

  /// False at the end of the file. Throws Error with file and line: another number of columns, a
  /// quote that is not closed, a cell over kMaxCellBytes, more than kMaxColumns columns, malformed
  /// JSON, a line that is not TREC's.
  bool next(Record& record);
  /// The next line that is not empty, as bytes; empty at the end of the file.
  std::string_view next_line();
  /// The next object of JSON, other encodings as UTF-8 in `decoded`; empty at the end of the file.
  /// Throws Error where that is over kMaxJsonLineBytes, or no list of objects.
  std::string_view next_object(std::string& decoded);
  /// Where the last record, or object, begins.
  std::int64_t record_line() const { return record_line_; }
  /// After an Error: whether next() goes on with the record behind the broken one.
  bool can_go_on() const { return is_behind_record_; }
  /// The byte where it goes on.
  std::uint64_t position() const { return at_; }
  /// Of what comes next, from 1.
  std::int64_t line() const { return line_; }

 private:
  void skip_empty_lines();
  std::string_view take_line();
  void skip_white();
  bool goes_on();
  std::string_view take_object();
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
  enum class List { begins, at_first, at_object, behind_object };
  List list_ = List::begins;  // of .json: what comes next
  bool is_behind_record_ = false;
  std::int64_t record_line_ = 0;
  std::string decoded_;  // an object in another encoding as UTF-8
};

/// The next record that can be read; broken ones are passed over where the reader goes on behind
/// them.
bool next_readable(RecordReader& reader, Record& record);

}  // namespace sidenet
