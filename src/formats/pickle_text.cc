#include "pickle_text.h"

#include <charconv>
#include <cstdint>

namespace sidenet::pickle {
namespace {

bool hex(std::string_view text, std::size_t at, std::size_t digits, std::uint32_t& code) {
  if (text.size() < at + digits) return false;
  const char* end = text.data() + at + digits;
  const auto result = std::from_chars(text.data() + at, end, code, 16);
  return result.ec == std::errc() && result.ptr == end;
}

// Lone surrogates are encoded as they come, as Python's "surrogatepass" does.
void append_utf8(std::uint32_t code, std::pmr::string& to) {
  if (code < 0x80) {
    to += static_cast<char>(code);
  } else if (code < 0x800) {
    to += {static_cast<char>(0xc0 | (code >> 6)), static_cast<char>(0x80 | (code & 63))};
  } else if (code < 0x10000) {
    to += {static_cast<char>(0xe0 | (code >> 12)), static_cast<char>(0x80 | ((code >> 6) & 63)),
           static_cast<char>(0x80 | (code & 63))};
  } else {
    to += {static_cast<char>(0xf0 | (code >> 18)), static_cast<char>(0x80 | ((code >> 12) & 63)),
           static_cast<char>(0x80 | ((code >> 6) & 63)), static_cast<char>(0x80 | (code & 63))};
  }
}

}  // namespace

bool decode_string_literal(std::string_view literal, std::pmr::string& decoded) {
  if (literal.size() < 2 || literal.front() != literal.back()) return false;
  if (literal.front() != '\'' && literal.front() != '"') return false;
  const std::string_view text = literal.substr(1, literal.size() - 2);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      decoded += text[i];
      continue;
    }
    if (++i == text.size()) return false;
    std::uint32_t code = 0;
    switch (text[i]) {
      case 'n': decoded += '\n'; break;
      case 'r': decoded += '\r'; break;
      case 't': decoded += '\t'; break;
      case '\\':
      case '\'':
      case '"': decoded += text[i]; break;
      case 'x':
        if (!hex(text, i + 1, 2, code)) return false;
        decoded += static_cast<char>(code);
        i += 2;
        break;
      default: return false;
    }
  }
  return true;
}

bool decode_raw_unicode(std::string_view escaped, std::pmr::string& decoded) {
  for (std::size_t i = 0; i < escaped.size(); ++i) {
    const char next = i + 1 < escaped.size() ? escaped[i + 1] : '\0';
    if (escaped[i] != '\\' || (next != 'u' && next != 'U')) {
      append_utf8(static_cast<unsigned char>(escaped[i]), decoded);
      continue;
    }
    const std::size_t digits = next == 'u' ? 4 : 8;
    std::uint32_t code = 0;
    if (!hex(escaped, i + 2, digits, code) || code > 0x10ffff) return false;
    append_utf8(code, decoded);
    i += 1 + digits;
  }
  return true;
}

}  // namespace sidenet::pickle
