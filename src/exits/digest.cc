#include "digest.h"

#include <bit>
#include <cstddef>
#include <cstring>

#include "random.h"

namespace sidenet {

std::uint64_t hash64(std::span<const std::byte> bytes, std::uint64_t seed) {
  // Multiply and rotate per word, as MurmurHash3's body does; two lanes hide the latency of the multiplications.
  constexpr std::uint64_t k1 = 0x87c37b91114253d5u, k2 = 0x4cf5ad432745937fu;
  std::uint64_t lanes[2] = {mix64(seed), mix64(seed ^ k1)};
  const std::byte* from = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 16; from += 16, left -= 16) {
    std::uint64_t words[2];
    std::memcpy(words, from, sizeof words);
    for (int lane = 0; lane < 2; ++lane) lanes[lane] = std::rotl(lanes[lane] ^ (words[lane] * k1), 31) * k2;
  }
  std::uint64_t tail[2] = {0, 0};
  if (left > 0) std::memcpy(tail, from, left);
  const std::uint64_t a = mix64(lanes[0] ^ (tail[0] * k1)), b = mix64(lanes[1] ^ (tail[1] * k2));
  return mix64(a ^ std::rotl(b, 32) ^ (bytes.size() * k1));
}

Digest& Digest::add(std::span<const std::byte> bytes) {
  high_ = hash64(bytes, high_);
  low_ = hash64(bytes, low_ ^ high_);
  return *this;
}

std::string Digest::hex() const { return to_hex(high_) + to_hex(low_); }

std::string to_hex(std::uint64_t value) {
  std::string text(16, '0');
  for (int i = 15; i >= 0; --i, value >>= 4) text[static_cast<std::size_t>(i)] = "0123456789abcdef"[value & 15];
  return text;
}

}  // namespace sidenet
