#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace sidenet {

inline constexpr std::size_t kMaxCellBytes = std::size_t{1} << 20;
inline constexpr std::size_t kMaxColumns = 256;

/// A line of a file, for messages.
struct Place {
  const std::string& file;
  std::int64_t line;  // from 1
  /// "FILE:LINE".
  std::string str() const;
};

/// A value of a record, as UTF-8.
struct Cell {
  std::string text;
  const char* problem =
      nullptr;      // what stands there instead of a text ("null", "a list"); of JSON only
  std::string raw;  // as it stands in JSON, on one line; empty: no such key, or not asked for
};

}  // namespace sidenet
