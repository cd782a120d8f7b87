#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace sidenet {

/// Known to this user's processes alone.
using Secret = std::array<std::uint64_t, 4>;
/// From the system's random numbers. Throws Error where it has none.
Secret new_secret();

__extension__ using Wide = unsigned __int128;

/// What a SecretDigest needs of a secret.
class SecretKey {
 public:
  static constexpr std::size_t kBlockWords = 64;
  explicit SecretKey(const Secret& secret);

 private:
  friend class SecretDigest;
  std::array<std::uint64_t, kBlockWords> words_;
  Wide point_;
  std::array<std::uint64_t, 2> mixing_;
};

/// 128 bits of a sequence of fields, as Digest has it, that nobody who does not know the secret can
/// make alike: a file from a stranger must not pass for another one. Two sequences are alike by
/// chance once in 2^61.
class SecretDigest {
 public:
  explicit SecretDigest(const SecretKey& key) : key_(&key) {}
  SecretDigest& add(std::string_view text);
  SecretDigest& add(std::uint64_t number);
  /// A field of many bytes, at the speed of memory; another field than the same bytes in add().
  SecretDigest& add_many(std::span<const std::byte> bytes);
  /// 32 hexadecimal digits.
  std::string hex() const;

 private:
  SecretDigest& add_field(char kind, std::uint64_t size, std::span<const std::byte> bytes);

  const SecretKey* key_;
  std::string fields_;
};

/// SipHash-2-4 with 128 bits (Aumasson and Bernstein, 2012): no key, no other bytes of the same 128
/// bits.
std::array<std::uint64_t, 2> siphash(const std::array<std::uint64_t, 2>& key,
                                     std::span<const std::byte> bytes);

}  // namespace sidenet
