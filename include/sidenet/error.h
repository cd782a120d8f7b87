#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

namespace sidenet {

/// `text`, which may quote bytes of a hostile file, as a line that is safe on a terminal: control characters, line and
/// paragraph separators, marks that turn the direction of writing, and bytes that are not UTF-8 as \xNN; of more than
/// 2,000 bytes the first 1,500 and the last 400.
std::string printable_line(std::string_view text);

/// The one exception type of the library. `what()` is one line for a person: what failed, where (file, tensor or
/// field), what was expected and what was found, as printable_line() leaves it. The library never prints, exits or aborts.
class Error : public std::runtime_error {
 public:
  explicit Error(std::string_view message) : std::runtime_error(printable_line(message)) {}
};

namespace detail {

/// Bytes of the UTF-8 sequence at the start of `text` (Unicode 15, table 3-7); 0 where there is none.
inline std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xC0) == 0x80; };
  if (byte(0) < 0x80) return 1;
  if (byte(0) >= 0xC2 && byte(0) < 0xE0) return follows(1) ? 2 : 0;
  if (byte(0) >= 0xE0 && byte(0) < 0xF0) {
    const bool shortest = byte(0) != 0xE0 || byte(1) >= 0xA0, surrogate = byte(0) == 0xED && byte(1) >= 0xA0;
    return shortest && !surrogate && follows(1) && follows(2) ? 3 : 0;
  }
  if (byte(0) < 0xF0 || byte(0) > 0xF4) return 0;
  const bool in_range = (byte(0) != 0xF0 || byte(1) >= 0x90) && (byte(0) != 0xF4 || byte(1) < 0x90);
  return in_range && follows(1) && follows(2) && follows(3) ? 4 : 0;
}

/// Whether one code point, as UTF-8, shows as itself and nothing else.
inline bool shows(std::string_view code_point) {
  const unsigned char first = static_cast<unsigned char>(code_point[0]);
  if (code_point.size() == 1) return first >= 0x20 && first != 0x7F;
  if (code_point.size() == 2) return code_point >= "\xC2\xA0" && code_point != "\xD8\x9C";  // C1 controls, U+061C
  for (const std::string_view range :
       {"\xE2\x80\x8B\xE2\x80\x8F", "\xE2\x80\xA8\xE2\x80\xAE", "\xE2\x81\xA6\xE2\x81\xA9"}) {
    if (code_point >= range.substr(0, 3) && code_point <= range.substr(3)) return false;
  }
  return code_point != "\xEF\xBB\xBF";
}

}  // namespace detail

inline std::string printable_line(std::string_view text) {
  constexpr std::size_t kLimit = 2000, kHead = 1500, kTail = 400;
  if (text.size() > kLimit)
    return printable_line(text.substr(0, kHead)) + " ... " + printable_line(text.substr(text.size() - kTail));
  std::string result;
  while (!text.empty()) {
    const std::size_t length = detail::utf8_length(text), taken = length == 0 ? 1 : length;
    const std::string_view piece = text.substr(0, taken);
    if (length != 0 && detail::shows(piece)) {
      result += piece;
    } else {
      for (const char c : piece) {
        const auto byte = static_cast<unsigned char>(c);
        result += {'\\', 'x', "0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15]};
      }
    }
    text.remove_prefix(taken);
  }
  return result;
}

}  // namespace sidenet
