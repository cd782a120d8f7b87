#include "byte_reader.h"

#include <cstring>

#include "sidenet/error.h"

namespace sidenet {

std::string quote(std::string_view text) {
  constexpr std::size_t kLongest = 120;
  constexpr char kHex[] = "0123456789abcdef";
  std::string result = "\"";
  for (const char c : text.substr(0, kLongest)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7f) {
      result += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    } else {
      if (c == '"' || c == '\\') result += '\\';
      result += c;
    }
  }
  return result + (text.size() > kLongest ? "\"..." : "\"");
}

ByteReader::ByteReader(std::span<const std::byte> bytes, std::string where, std::size_t offset)
    : bytes_(bytes), where_(std::move(where)), offset_(offset) {
  if (offset > bytes.size()) fail("the file ends at byte " + std::to_string(bytes.size()));
}

std::span<const std::byte> ByteReader::take(std::uint64_t count) {
  if (count > remaining()) {
    fail("truncated: expected " + std::to_string(count) + " more bytes, got " +
         std::to_string(remaining()));
  }
  const auto taken = bytes_.subspan(offset_, static_cast<std::size_t>(count));
  offset_ += taken.size();
  return taken;
}

std::string_view ByteReader::take_text(std::uint64_t count) {
  const auto taken = take(count);
  return {reinterpret_cast<const char*>(taken.data()), taken.size()};
}

std::string_view ByteReader::take_line() {
  const void* start = remaining() == 0 ? nullptr : bytes_.data() + offset_;
  const void* newline = start == nullptr ? nullptr : std::memchr(start, '\n', remaining());
  if (newline == nullptr) fail("truncated: expected a line, got none that ends");
  const std::string_view line = take_text(static_cast<std::size_t>(
      static_cast<const char*>(newline) - static_cast<const char*>(start)));
  ++offset_;
  return line;
}

void ByteReader::fail_at(std::size_t at, const std::string& what) const {
  throw Error(where_ + ": byte " + std::to_string(at) + ": " + what);
}

}  // namespace sidenet
