#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace sidenet {

/// 64 bits of `bytes`. Finds accidents (a torn write, another file), not attacks.
std::uint64_t hash64(std::span<const std::byte> bytes, std::uint64_t seed);

struct Hash128 {
  std::uint64_t high, low;
  bool operator==(const Hash128&) const = default;
};
/// 128 bits of many bytes, as fast as memory gives them. For accidents too.
Hash128 hash128(std::span<const std::byte> bytes);

/// 128 bits of a sequence of fields; each field's length counts, so "ab","c" differs from "a","bc".
/// Model files keep what add() gives: it never changes.
class Digest {
 public:
  Digest& add(std::span<const std::byte> bytes);
  Digest& add(std::string_view text) {
    return add(std::as_bytes(std::span(text.data(), text.size())));
  }
  Digest& add(std::uint64_t number) { return add(std::as_bytes(std::span(&number, 1))); }
  /// A field of many bytes, by hash128(): three times as fast, and another digest than add()'s.
  Digest& add_many(std::span<const std::byte> bytes);
  /// 32 hexadecimal digits.
  std::string hex() const;

 private:
  std::uint64_t high_ = 0x243f6a8885a308d3u, low_ = 0x13198a2e03707344u;  // pi's first digits
};

/// 16 hexadecimal digits.
std::string to_hex(std::uint64_t value);

}  // namespace sidenet
