#pragma once

// Library: libsidenet (pkg-config sidenet, CMake sidenet::sidenet).

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

#include "sidenet/export.h"

namespace sidenet {

/// `text`, which may quote bytes of a hostile file, as a line that is safe on a terminal. What
/// would not show as itself is escaped: controls and bytes that are not UTF-8 as \xNN, marks of
/// direction, line separators and characters without width as \uNNNN or \UNNNNNNNN. Of more than
/// 2,000 bytes the first 1,500 and the last 400.
std::string printable_line(std::string_view text);

/// The one exception type of the library. `what()` is one line for a person: what failed, where
/// (file, tensor or field), what was expected and what was found, as printable_line() leaves it.
/// The library never prints, exits or aborts.
class SIDENET_API Error : public std::runtime_error {
 public:
  explicit Error(std::string_view message) : std::runtime_error(printable_line(message)) {}
  Error(const Error&) = default;
  Error& operator=(const Error&) = default;
  /// Not inline, so that a program and all its libraries share one type.
  ~Error() override;
};

namespace detail {

/// Bytes of the UTF-8 sequence at the start of `text` (Unicode 15, table 3-7); 0 where there is
/// none.
inline std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xC0) == 0x80; };
  if (byte(0) < 0x80) return 1;
  if (byte(0) >= 0xC2 && byte(0) < 0xE0) return follows(1) ? 2 : 0;
  if (byte(0) >= 0xE0 && byte(0) < 0xF0) {
    const bool shortest = byte(0) != 0xE0 || byte(1) >= 0xA0,
               surrogate = byte(0) == 0xED && byte(1) >= 0xA0;
    return shortest && !surrogate && follows(1) && follows(2) ? 3 : 0;
  }
  if (byte(0) < 0xF0 || byte(0) > 0xF4) return 0;
  const bool in_range = (byte(0) != 0xF0 || byte(1) >= 0x90) && (byte(0) != 0xF4 || byte(1) < 0x90);
  return in_range && follows(1) && follows(2) && follows(3) ? 4 : 0;
}

/// The character that these bytes of well-formed UTF-8 are.
inline char32_t code_point(std::string_view utf8) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(utf8[i]); };
  if (utf8.size() == 1) return byte(0);
  char32_t character = byte(0) & (0x7Fu >> utf8.size());
  for (std::size_t i = 1; i < utf8.size(); ++i) character = character << 6 | (byte(i) & 0x3Fu);
  return character;
}

struct CharacterRange {
  char32_t first, last;
};
/// Characters that do not show as themselves, or change how others beside them show: controls, line
/// separators, marks of direction, and what has no width (joiners, fillers, tags). In order. Not
/// among them are variation selectors, which choose a form of the character before.
inline constexpr CharacterRange kHidden[] = {
    {0x00, 0x1F},       {0x7F, 0x9F},       {0xAD, 0xAD},       {0x34F, 0x34F},
    {0x61C, 0x61C},     {0x115F, 0x1160},   {0x17B4, 0x17B5},   {0x180E, 0x180E},
    {0x200B, 0x200F},   {0x2028, 0x202E},   {0x2060, 0x206F},   {0x3164, 0x3164},
    {0xFDD0, 0xFDEF},   {0xFEFF, 0xFEFF},   {0xFFA0, 0xFFA0},   {0xFFF0, 0xFFFB},
    {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A}, {0xE0000, 0xE00FF}, {0xE01F0, 0xE0FFF},
};
inline bool shows(char32_t character) {
  if ((character & 0xFFFE) == 0xFFFE) return false;  // no characters
  for (const CharacterRange& range : kHidden) {
    if (character <= range.last) return character < range.first;
  }
  return true;
}

/// The first character of `text`, as printable_line() shows it. Takes it from `text`.
inline std::string take_shown(std::string_view& text) {
  const auto hex = [](char32_t value, int digits) {
    std::string result;
    while (digits-- > 0) result += "0123456789abcdef"[value >> 4 * digits & 15];
    return result;
  };
  const std::size_t length = utf8_length(text);
  const std::string_view piece = text.substr(0, length == 0 ? 1 : length);
  text.remove_prefix(piece.size());
  if (length == 0) return "\\x" + hex(static_cast<unsigned char>(piece[0]), 2);
  const char32_t character = code_point(piece);
  if (shows(character)) return std::string(piece);
  if (character < 0x80) return "\\x" + hex(character, 2);
  return character < 0x10000 ? "\\u" + hex(character, 4) : "\\U" + hex(character, 8);
}

}  // namespace detail

inline std::string printable_line(std::string_view text) {
  constexpr std::size_t kLimit = 2000, kHead = 1500, kTail = 400;
  if (text.size() > kLimit)
    return printable_line(text.substr(0, kHead)) + " ... " +
           printable_line(text.substr(text.size() - kTail));
  std::string result;
  while (!text.empty()) result += detail::take_shown(text);
  return result;
}

}  // namespace sidenet
