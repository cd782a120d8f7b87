#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace sidenet {

/// `text` for a one-line message: in quotes, control and non-ASCII bytes escaped, cut after 120
/// bytes.
std::string quote(std::string_view text);

/// A cursor over untrusted bytes. Every read is checked; an error names `where` and the byte.
class ByteReader {
 public:
  ByteReader(std::span<const std::byte> bytes, std::string where, std::size_t offset = 0);

  std::size_t offset() const { return offset_; }
  std::size_t remaining() const { return bytes_.size() - offset_; }
  const std::string& where() const { return where_; }

  /// Throws Error where fewer than `count` bytes are left.
  std::span<const std::byte> take(std::uint64_t count);
  std::string_view take_text(std::uint64_t count);
  /// Up to the next newline, which is passed over and left out.
  std::string_view take_line();
  template <std::unsigned_integral T>
  T little_endian() {
    T value = 0;
    int shift = 0;
    for (const std::byte byte : take(sizeof(T))) {
      value = static_cast<T>(value | static_cast<T>(static_cast<T>(byte) << shift));
      shift += 8;
    }
    return value;
  }
  std::uint8_t u8() { return little_endian<std::uint8_t>(); }

  /// Throws Error("where: byte `at`: `what`").
  [[noreturn]] void fail_at(std::size_t at, const std::string& what) const;
  [[noreturn]] void fail(const std::string& what) const { fail_at(offset_, what); }

 private:
  std::span<const std::byte> bytes_;
  std::string where_;
  std::size_t offset_;
};

}  // namespace sidenet
