#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace sidenet::testing {

inline std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// Bytes of which no two neighbours are the same.
inline std::string counting(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 7 + 1);
  return text;
}

}  // namespace sidenet::testing
