#include "tar.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>

#include "sidenet/error.h"

namespace sidenet {
namespace {

using Bytes = std::span<const std::byte>;
constexpr std::size_t kBlock = 512;
constexpr std::size_t kMaxName = 4096;  // Linux's PATH_MAX
constexpr std::size_t kMaxMembers =
    65536;  // data sets have a dozen; each takes memory beside the archive

[[noreturn]] void fail(const std::string& archive, std::size_t at, const std::string& problem) {
  throw Error(archive + ": tar header at byte " + std::to_string(at) + ": " + problem);
}

// A field up to its first zero byte.
std::string text(Bytes field) {
  const auto end = std::find(field.begin(), field.end(), std::byte{0});
  return {reinterpret_cast<const char*>(field.data()),
          static_cast<std::size_t>(end - field.begin())};
}

// Octal digits between spaces and zeros; or, in GNU tar, a set top bit and a big-endian number.
std::optional<std::uint64_t> number(Bytes field) {
  std::uint64_t value = 0;
  if (field[0] == std::byte{0x80}) {
    for (const std::byte byte : field.subspan(1)) {
      if (value >> 55 != 0) return std::nullopt;
      value = value << 8 | std::to_integer<std::uint64_t>(byte);
    }
    return value;
  }
  const std::string digits = text(field);
  const auto begin = std::min(digits.find_first_not_of(' '), digits.size());
  const auto end = std::min(digits.find(' ', begin), digits.size());
  for (std::size_t i = begin; i < end; ++i) {
    if (digits[i] < '0' || digits[i] > '7') return std::nullopt;
    value = value << 3 | static_cast<std::uint64_t>(digits[i] - '0');  // 12 digits: 36 bits
  }
  return value;
}

bool checksum_matches(Bytes header) {
  std::uint64_t sum = 0;  // with the checksum's own field as spaces
  for (std::size_t i = 0; i < kBlock; ++i)
    sum += i >= 148 && i < 156 ? ' ' : std::to_integer<std::uint64_t>(header[i]);
  return number(header.subspan(148, 8)) == sum;
}

bool is_ustar(Bytes header) { return std::memcmp(header.data() + 257, "ustar", 5) == 0; }

// What a pax header ("LENGTH KEY=VALUE\n" records) or a GNU long name says of the member that
// follows.
struct Overrides {
  std::string name;
  std::optional<std::uint64_t> size;
};

std::optional<std::uint64_t> decimal(std::string_view digits) {
  std::uint64_t value = 0;
  const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (result.ec != std::errc() || result.ptr != digits.data() + digits.size()) return std::nullopt;
  return value;
}

void check_name(std::size_t size, const std::string& archive, std::size_t at) {
  if (size > kMaxName) {
    fail(archive, at,
         "a member's name: expected at most " + std::to_string(kMaxName) + " bytes, got " +
             std::to_string(size));
  }
}

void read_pax(Bytes records, Overrides& overrides, const std::string& archive, std::size_t at) {
  const std::string_view rest(reinterpret_cast<const char*>(records.data()), records.size());
  for (std::size_t begin = 0; begin < rest.size();) {
    const auto space = rest.find(' ', begin);
    const auto length = decimal(rest.substr(begin, std::min(space, begin + 20) - begin));
    if (space == std::string_view::npos || !length || *length > rest.size() - begin ||
        begin + *length <= space + 1 || rest[begin + *length - 1] != '\n') {
      fail(archive, at,
           "a pax record's length is wrong: expected \"LENGTH KEY=VALUE\" and a newline at byte " +
               std::to_string(begin) + " of its data");
    }
    const std::string_view record = rest.substr(space + 1, begin + *length - space - 2);
    if (record.starts_with("path=")) {
      check_name(record.size() - 5, archive, at);
      overrides.name = record.substr(5);
    }
    if (record.starts_with("size=")) {
      overrides.size = decimal(record.substr(5));
      if (!overrides.size) fail(archive, at, "a pax record's size is not a number");
    }
    begin += *length;
  }
}

std::string member_name(Bytes header) {
  const std::string name = text(header.subspan(0, 100));
  const std::string prefix = is_ustar(header) ? text(header.subspan(345, 155)) : "";
  return prefix.empty() ? name : prefix + "/" + name;
}

}  // namespace

bool is_tar(Bytes bytes) {
  return bytes.size() >= kBlock && (is_ustar(bytes) || checksum_matches(bytes.first(kBlock)));
}

std::vector<FileBytes> read_tar(const FileBytes& archive) {
  std::vector<FileBytes> members;
  Overrides overrides;
  const Bytes bytes = archive.bytes;
  for (std::size_t at = 0;;) {
    if (bytes.size() - at < kBlock)
      fail(archive.name, at,
           "truncated: expected a header or the end block, got the end of the file");
    const Bytes header = bytes.subspan(at, kBlock);
    if (std::all_of(header.begin(), header.end(),
                    [](std::byte byte) { return byte == std::byte{0}; }))
      return members;
    if (!checksum_matches(header)) fail(archive.name, at, "its checksum does not match its bytes");
    const char type = static_cast<char>(header[156]);
    std::optional<std::uint64_t> size = number(header.subspan(124, 12));
    const bool describes_next = type == 'L' || type == 'K' || type == 'x' || type == 'g';
    if (!describes_next && overrides.size) size = overrides.size;
    if (!size) fail(archive.name, at, "its size is not a number in octal or base 256");
    const std::uint64_t room = bytes.size() - at - kBlock;
    if (*size > room) {
      fail(archive.name, at,
           "truncated: the member takes " + std::to_string(*size) + " bytes, " +
               std::to_string(room) + " are left");
    }
    const Bytes contents = bytes.subspan(at + kBlock, *size);
    if (type == 'L') {
      check_name(contents.size(), archive.name, at);
      overrides.name = text(contents);
    } else if (type == 'x') {
      read_pax(contents, overrides, archive.name, at);
    } else if (!describes_next) {
      const std::string name = overrides.name.empty() ? member_name(header) : overrides.name;
      if (type == '0' || type == '\0' || type == '7') {
        if (members.size() == kMaxMembers) {
          fail(archive.name, at,
               "expected at most " + std::to_string(kMaxMembers) +
                   " files in a data set's archive, got more");
        }
        members.push_back({archive.name + "/" + printable(name), contents, archive.storage});
      }
      overrides = {};
    }
    // The last member's padding may be cut off only together with the end block, which is then
    // missed above.
    at += kBlock + std::min<std::uint64_t>((*size + kBlock - 1) / kBlock * kBlock, room);
  }
}

}  // namespace sidenet
