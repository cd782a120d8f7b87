#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sidenet {

/// Offset of the first byte of the first sequence that is not UTF-8 (RFC 3629: no overlong forms,
/// no surrogates, at most U+10FFFF, nothing cut short); text.size() where all of it is.
std::size_t valid_utf8_prefix(std::string_view text);

/// The code point at `at`, which moves on. The text is valid UTF-8.
inline char32_t next_code_point(const char*& at) {
  const auto byte = [&] { return static_cast<char32_t>(static_cast<unsigned char>(*at++)); };
  const char32_t lead = byte();
  if (lead < 0x80) return lead;
  char32_t c = lead & (lead < 0xE0 ? 0x1F : lead < 0xF0 ? 0x0F : 0x07);
  c = c << 6 | (byte() & 0x3F);
  if (lead >= 0xE0) c = c << 6 | (byte() & 0x3F);
  if (lead >= 0xF0) c = c << 6 | (byte() & 0x3F);
  return c;
}

/// Writes a code point's 1 to 4 bytes; returns the byte behind them.
inline char* put_utf8(char32_t c, char* out) {
  if (c < 0x80) {
    *out++ = static_cast<char>(c);
    return out;
  }
  if (c < 0x800) {
    *out++ = static_cast<char>(0xC0 | c >> 6);
  } else {
    if (c < 0x10000) {
      *out++ = static_cast<char>(0xE0 | c >> 12);
    } else {
      *out++ = static_cast<char>(0xF0 | c >> 18);
      *out++ = static_cast<char>(0x80 | (c >> 12 & 0x3F));
    }
    *out++ = static_cast<char>(0x80 | (c >> 6 & 0x3F));
  }
  *out++ = static_cast<char>(0x80 | (c & 0x3F));
  return out;
}

std::string utf8_of(std::u32string_view code_points);

/// `text` in quotes for a message: control characters and bytes that are not UTF-8 become '?', and
/// it is cut at 60 bytes.
std::string quoted_text(std::string_view text);

}  // namespace sidenet
