#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "text_cell.h"

namespace sidenet {

inline constexpr std::size_t kMaxJsonLineBytes = std::size_t{16} << 20;

/// The keys of a .jsonl file's first object, in their order.
struct JsonColumns {
  std::vector<std::string> names;
  std::map<std::string, std::size_t>
      index;  ///< of the keys that are read; sorted, as keys of a file could collide
  std::vector<std::size_t> read;  ///< the same, as indices
  bool keep_raw = false;          ///< cells get their `raw`

  /// Forgets the keys from that one on.
  void forget_from(std::size_t column);
  /// Reads no keys but these: what a row costs must not grow with the keys of another.
  void keep(const std::vector<std::size_t>& columns);
};

/// Whether a cell's problem is that there is no value: null, or no such key.
bool is_absent(std::string_view problem);

/// Throws Error: not one JSON object, a key twice in any object, more than kMaxColumns keys,
/// kMaxJsonLineBytes, or one of read_json's other bounds.
JsonColumns read_json_columns(std::string_view line, const Place& place);
/// The same, of one more object: new keys come behind the others.
void add_json_columns(std::string_view line, const Place& place, JsonColumns& columns);
/// cells[i], i in columns.read: the value of columns.names[i] (a string, a number as written,
/// "true" or "false"); other keys are passed over. A key that is not there, or that has another
/// kind of value, gives a cell with a `problem`. Throws Error as above, and where a value is over
/// kMaxCellBytes.
void read_json_record(std::string_view line, const Place& place, const JsonColumns& columns,
                      std::vector<Cell>& cells);

}  // namespace sidenet
