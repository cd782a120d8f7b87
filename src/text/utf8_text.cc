#include "utf8_text.h"

#include <cstdint>
#include <cstring>

#include "sidenet/error.h"

namespace sidenet {

std::size_t valid_utf8_prefix(std::string_view text) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  std::size_t at = 0;
  while (at < text.size()) {
    std::uint64_t word;
    while (text.size() - at >= sizeof word) {
      std::memcpy(&word, bytes + at, sizeof word);
      if ((word & 0x8080808080808080u) != 0) break;
      at += sizeof word;
    }
    if (at == text.size()) break;
    const std::size_t length = detail::utf8_length(text.substr(at));
    if (length == 0) break;
    at += length;
  }
  return at;
}

std::string utf8_of(std::u32string_view code_points) {
  std::string text(code_points.size() * 4, '\0');
  char* out = text.data();
  for (const char32_t c : code_points) out = put_utf8(c, out);
  text.resize(static_cast<std::size_t>(out - text.data()));
  return text;
}

std::string quoted_text(std::string_view text) {
  constexpr std::size_t kMost = 60;
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  std::string result = "\"";
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = detail::utf8_length(text.substr(at));
    if (at + length > kMost) return result + "…\"";
    if (length == 0 || bytes[at] < ' ' || bytes[at] == 0x7F) {
      result += '?';
    } else {
      result.append(text, at, length);
    }
    at += length == 0 ? 1 : length;
  }
  return result + '"';
}

}  // namespace sidenet
