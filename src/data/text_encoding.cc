#include "text_encoding.h"

#include <algorithm>

#include "file_bytes.h"
#include "sidenet/error.h"

namespace sidenet {
namespace {

bool is_white(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

}  // namespace

void append_latin1(std::string_view bytes, std::string& text) {
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      text += c;
    } else {
      text += static_cast<char>(0xc0 | byte >> 6);
      text += static_cast<char>(0x80 | (byte & 0x3f));
    }
  }
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

std::string excerpt(std::string_view text) {
  constexpr std::size_t kMost = 40;
  std::string start;
  while (!text.empty() && start.size() < kMost) {
    const std::size_t length = detail::utf8_length(text);
    start += length == 0 ? "?" : text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return "'" + printable(start) + (text.empty() ? "'" : "…'");
}

}  // namespace sidenet
