#include "text_encoding.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "file_bytes.h"
#include "sidenet/error.h"

namespace sidenet {
namespace {

// Of 0x80 to 0x9F; 0 where there is none. Unicode's MAPPINGS/VENDORS/MICSFT/WINDOWS/CP1252.TXT.
constexpr std::array<std::uint16_t, 32> kWindows1252{
    0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017D, 0,      0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178};

bool is_control(unsigned char byte) { return byte >= 0x80 && byte < 0xa0; }

template <typename Predicate>
std::size_t prefix_without(std::string_view bytes, Predicate refused) {
  const auto found = std::find_if(bytes.begin(), bytes.end(), [&](char c) {
    return is_control(static_cast<unsigned char>(c)) && refused(static_cast<unsigned char>(c));
  });
  return static_cast<std::size_t>(found - bytes.begin());
}

bool is_white(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

}  // namespace

void append_utf8(unsigned code, std::string& text) {
  const auto more = [&](int shift) { text += static_cast<char>(0x80 | (code >> shift & 0x3f)); };
  if (code < 0x80) {
    text += static_cast<char>(code);
  } else if (code < 0x800) {
    text += static_cast<char>(0xc0 | code >> 6);
    more(0);
  } else if (code < 0x10000) {
    text += static_cast<char>(0xe0 | code >> 12);
    more(6), more(0);
  } else {
    text += static_cast<char>(0xf0 | code >> 18);
    more(12), more(6), more(0);
  }
}

void append_latin1(std::string_view bytes, std::string& text) {
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      text += c;
    } else {
      append_utf8(byte, text);
    }
  }
}

void append_windows1252(std::string_view bytes, std::string& text) {
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_control(byte) && kWindows1252[byte - 0x80u] != 0) {
      append_utf8(kWindows1252[byte - 0x80u], text);
    } else {
      append_latin1({&c, 1}, text);
    }
  }
}

std::size_t valid_windows1252_prefix(std::string_view bytes) {
  return prefix_without(bytes, [](unsigned char byte) { return kWindows1252[byte - 0x80u] == 0; });
}

std::size_t valid_latin1_prefix(std::string_view bytes) {
  return prefix_without(bytes, [](unsigned char) { return true; });
}

std::string_view without_mark(std::string_view bytes) {
  if (bytes.starts_with("\xef\xbb\xbf")) bytes.remove_prefix(3);
  return bytes;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_white(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_white(text.back())) text.remove_suffix(1);
  return text;
}

std::string lower_ascii(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return lower;
}

std::string excerpt(std::string_view text, std::size_t most) {
  std::string start;
  while (!text.empty() && start.size() < most) {
    const std::size_t length = detail::utf8_length(text);
    start += length == 0 ? "?" : text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return "'" + printable(start) + (text.empty() ? "'" : "…'");
}

}  // namespace sidenet
