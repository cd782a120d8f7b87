#include "text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <iterator>
#include <string_view>
#include <vector>

#include "sidenet/error.h"

namespace sidenet::tools {
namespace {

constexpr char32_t kInvalid = 0xFFFFFFFF;

/// Decodes the character at `at` and moves behind it; kInvalid, and one byte on, where it is not
/// UTF-8.
char32_t next_character(std::string_view text, std::size_t& at) {
  const std::size_t length = sidenet::detail::utf8_length(text.substr(at)), begin = at;
  at += length == 0 ? 1 : length;
  return length == 0 ? kInvalid : sidenet::detail::code_point(text.substr(begin, length));
}

/// Ranges in the manner of Unicode's EastAsianWidth.txt (W and F), joined generously.
int character_width(char32_t c) {
  struct Range {
    char32_t first, last;
  };
  constexpr std::array<Range, 9> wide = {{{0x1100, 0x115F},
                                          {0x2E80, 0xA4CF},
                                          {0xAC00, 0xD7A3},
                                          {0xF900, 0xFAFF},
                                          {0xFE30, 0xFE6F},
                                          {0xFF00, 0xFF60},
                                          {0xFFE0, 0xFFE6},
                                          {0x1F300, 0x1FAFF},
                                          {0x20000, 0x3FFFD}}};
  if ((c >= 0x300 && c <= 0x36F) || (c >= 0xFE00 && c <= 0xFE0F)) return 0;
  for (const Range& range : wide) {
    if (c >= range.first && c <= range.last) return 2;
  }
  return 1;
}

std::string format(const char* pattern, int decimals, double value) {
  std::array<char, 64> buffer;
  std::snprintf(buffer.data(), buffer.size(), pattern, decimals, value);
  return buffer.data();
}

}  // namespace

std::string escape_hidden(const std::string& json) {
  std::string escaped;
  const auto add = [&](char32_t unit) {
    std::array<char, 16> code;
    std::snprintf(code.data(), code.size(), "\\u%04x", static_cast<unsigned>(unit));
    escaped += code.data();
  };
  for (std::size_t at = 0; at < json.size();) {
    const std::size_t begin = at;
    const char32_t c = next_character(json, at);
    if (c == kInvalid || c == '\n' || sidenet::detail::shows(c)) {
      escaped.append(json, begin, at - begin);
    } else if (c < 0x10000) {
      add(c);
    } else {  // as UTF-16, which JSON's escapes are
      add(0xD800 + ((c - 0x10000) >> 10));
      add(0xDC00 + ((c - 0x10000) & 0x3FF));
    }
  }
  return escaped;
}

std::string printable(const std::string& text) {
  constexpr std::string_view spaces[] = {"\n", "\r", "\t", "\u2028", "\u2029"};
  std::string clean;
  for (std::string_view left = text; !left.empty();) {
    const auto space = std::find_if(std::begin(spaces), std::end(spaces),
                                    [&](auto s) { return left.starts_with(s); });
    if (space == std::end(spaces)) {
      clean += sidenet::detail::take_shown(left);
    } else {
      clean += ' ';
      left.remove_prefix(space->size());
    }
  }
  return clean;
}

bool is_utf8(const std::string& text) {
  for (std::size_t at = 0; at < text.size();) {
    if (next_character(text, at) == kInvalid) return false;
  }
  return true;
}

std::size_t display_width(const std::string& text) {
  int width = 0;
  for (std::size_t at = 0; at < text.size();) width += character_width(next_character(text, at));
  return static_cast<std::size_t>(width);
}

std::string shorten_front(const std::string& text, std::size_t width) {
  const std::size_t total = display_width(text);
  if (total <= width || width == 0) return text;
  std::size_t at = 0;
  for (std::size_t left = total; left + 1 > width && at < text.size();) {
    left -= static_cast<std::size_t>(character_width(next_character(text, at)));
  }
  return "…" + text.substr(at);
}

std::string shorten_end(const std::string& text, std::size_t width) {
  std::size_t end = 0;
  for (std::size_t used = 0; end < text.size();) {
    std::size_t next = end;
    used += static_cast<std::size_t>(character_width(next_character(text, next)));
    if (used > width) break;
    end = next;
  }
  return text.substr(0, end);
}

std::string fixed(double value, int decimals) {
  return std::isfinite(value) ? format("%.*f", decimals, value) : "-";
}

std::string percent(double ratio, int decimals) {
  return std::isfinite(ratio) ? format("%.*f", decimals, 100 * ratio) + " %" : "-";
}

std::string grouped(std::int64_t count) {
  std::string digits = std::to_string(count);
  const std::ptrdiff_t first = count < 0 ? 1 : 0;
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > first; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), 1, ',');
  }
  return digits;
}

std::string scaled(double count) {
  constexpr std::array<const char*, 5> prefixes = {"", " k", " M", " G", " T"};
  std::size_t prefix = 0;
  while (std::abs(count) >= 999.5 && prefix + 1 < prefixes.size()) {
    count /= 1000;
    ++prefix;
  }
  const int decimals = prefix == 0 || std::abs(count) >= 99.95 ? 0
                       : std::abs(count) >= 9.995              ? 1
                                                               : 2;
  return fixed(count, decimals) + prefixes[prefix];
}

std::string duration(double seconds) {
  const auto total = static_cast<long long>(std::ceil(seconds));
  if (total < 60) return std::to_string(total) + " s";
  std::array<char, 48> buffer;
  if (total < 3600) {
    std::snprintf(buffer.data(), buffer.size(), "%lld:%02lld", total / 60, total % 60);
  } else {
    std::snprintf(buffer.data(), buffer.size(), "%lld:%02lld:%02lld", total / 3600, total / 60 % 60,
                  total % 60);
  }
  return buffer.data();
}

}  // namespace sidenet::tools
