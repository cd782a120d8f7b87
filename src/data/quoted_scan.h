#pragma once

#include <cstddef>
#include <cstdint>

#include "file_bytes.h"

namespace sidenet {

/// What the cells of a file are like if quotes enclose them. Empty lines and a byte order mark are
/// passed over, as RecordReader does.
struct QuotedScan {
  /// Of every record; 0: their numbers differ, are over kMaxColumns, or a quote is not closed right
  /// before the end of a cell. Then the rest says nothing.
  std::size_t columns = 0;
  std::int64_t enclosed = 0;  ///< cells between quotes
  std::int64_t needed = 0;    ///< of these: with a doubled quote, a delimiter or a line end inside
  std::int64_t parted = 0;    ///< of these: with a delimiter or a line end
  /// Of the others: in columns that have bare cells too, without a comma or beside bare cells with
  /// one; a first line of them alone, a header, apart. No writer of CSV makes them.
  std::int64_t needless = 0;
  bool is_column_enclosed = false;  ///< every cell of some column is between quotes
  std::int64_t loose = 0;           ///< bare cells with a quote that no backslash precedes
  std::int64_t escaped = 0;         ///< bare cells with one behind a backslash
  std::int64_t needed_line = 0, bare_line = 0;  ///< the first `needed`; the first needless or loose
};

QuotedScan scan_quoted(const FileBytes& file, char delimiter);

/// Of every line that is not empty, whatever quotes there are; 0: their numbers differ.
std::size_t plain_columns(const FileBytes& file, char delimiter);

/// A cell that begins with a quote.
bool has_opening_quote(const FileBytes& file, char delimiter);

}  // namespace sidenet
