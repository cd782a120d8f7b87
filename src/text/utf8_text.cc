#include "utf8_text.h"

#include <cstdint>
#include <cstring>

namespace sidenet {
namespace {

// Bytes of the sequence at `at`, or 0 where it is not UTF-8. Table 3-7 of the Unicode standard.
std::size_t sequence_length(const unsigned char* at, std::size_t left) {
  const unsigned lead = at[0];
  const std::size_t length = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
  if (length < 2) return length;
  if (length > left) return 0;
  const unsigned lowest = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned highest = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (at[1] < lowest || at[1] > highest) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if ((at[i] & 0xC0) != 0x80) return 0;
  }
  return length;
}

}  // namespace

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
    const std::size_t length = sequence_length(bytes + at, text.size() - at);
    if (length == 0) break;
    at += length;
  }
  return at;
}

std::string quoted_text(std::string_view text) {
  constexpr std::size_t kMost = 60;
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  std::string result = "\"";
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = sequence_length(bytes + at, text.size() - at);
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
