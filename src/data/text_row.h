#pragma once

#include <optional>
#include <string>

#include "text_columns.h"
#include "text_records.h"

namespace sidenet {

/// Throws Error, with file and line, where bytes of the file are not in its encoding.
void check_encoding(const TextFile& file);
/// The same of the record that `reader` has just read.
void check_encoding(const TextFile& file, const Record& record, const RecordReader& reader);

/// What a record of `file` holds, as `choice` says. Both outlive it.
class TextRow {
 public:
  TextRow(const TextFile& file, const ColumnChoice& choice, const Record& record)
      : file_(file), choice_(choice), record_(record) {}

  /// "FILE:LINE: column 'x'".
  std::string where(std::size_t column) const;
  // Throw Error for a value that is no string, number or boolean.
  const std::string& cell(std::size_t column) const;
  Text text() const;
  /// What it lacks, with its place: a text, or where `labelled` a label; none: nothing.
  std::optional<std::string> missing(bool labelled) const;
  /// Whether it is the header.
  bool is_header() const;

 private:
  const TextFile& file_;
  const ColumnChoice& choice_;
  const Record& record_;
};

}  // namespace sidenet
