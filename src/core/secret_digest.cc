#include "secret_digest.h"

#include <sys/random.h>

#include <bit>
#include <cerrno>
#include <cstring>

#include "digest.h"
#include "sidenet/error.h"

namespace sidenet {
namespace {

constexpr Wide kPrime = (Wide{1} << 127) - 1;
constexpr std::size_t kBlockBytes = SecretKey::kBlockWords * sizeof(std::uint64_t), kAhead = 2048;

std::uint64_t word_at(const std::byte* from) {
  std::uint64_t word = 0;
  std::memcpy(&word, from, sizeof word);
  return word;
}

// NH with words of 64 bits (UMAC: Black and others, 1999; VMAC: Krovetz, 2006): two blocks have the
// same sum for one key in 2^62, whatever they are.
Wide block_sum(const std::array<std::uint64_t, SecretKey::kBlockWords>& key,
               const std::byte* from) {
  Wide even = 0, odd = 0;
  const auto product = [&](std::size_t i) {
    return Wide{word_at(from + 8 * i) + key[i]} * (word_at(from + 8 * i + 8) + key[i + 1]);
  };
  // The hardware's own prefetching ends with a page: a tenth of the time on weights that no cache
  // has.
  for (std::size_t i = 0; i < kBlockBytes; i += 64) __builtin_prefetch(from + kAhead + i);
  for (std::size_t i = 0; i < SecretKey::kBlockWords; i += 4) {
    even += product(i);
    odd += product(i + 2);
  }
  return (even + odd) & (kPrime >> 1);
}

Wide folded(Wide value) { return (value & kPrime) + (value >> 127); }

// a b + c modulo 2^127 - 1; a and b at most that, c below 2^126.
Wide multiply_add(Wide a, Wide b, Wide c) {
  const auto low = [](Wide value) { return Wide{static_cast<std::uint64_t>(value)}; };
  const Wide middle = low(a) * (b >> 64) + (a >> 64) * low(b);
  const Wide bottom = low(a) * low(b), sum = bottom + (middle << 64);
  const Wide top = (a >> 64) * (b >> 64) + (middle >> 64) + (sum < bottom ? 1 : 0);  // below 2^126
  return folded(folded((top << 1) + (sum >> 127) + (sum & kPrime)) + c);
}

}  // namespace

Secret new_secret() {
  Secret secret{};
  ssize_t got = -1;
  do got = ::getrandom(secret.data(), sizeof secret, 0);
  while (got < 0 && errno == EINTR);
  if (got != sizeof secret) throw Error(std::string("no random numbers: ") + std::strerror(errno));
  return secret;
}

SecretKey::SecretKey(const Secret& secret) : mixing_{secret[2], secret[3]} {
  const auto derived = [&](std::uint64_t number) {
    return siphash({secret[0], secret[1]}, std::as_bytes(std::span(&number, 1)));
  };
  for (std::size_t i = 0; i < words_.size(); i += 2) {
    const auto pair = derived(i);
    words_[i] = pair[0], words_[i + 1] = pair[1];
  }
  const auto point = derived(words_.size());
  point_ = (Wide{point[0]} << 64 | point[1]) & kPrime;
}

SecretDigest& SecretDigest::add_field(char kind, std::uint64_t size,
                                      std::span<const std::byte> bytes) {
  fields_.push_back(kind);
  fields_.append(reinterpret_cast<const char*>(&size), sizeof size);
  fields_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return *this;
}

SecretDigest& SecretDigest::add(std::string_view text) {
  return add_field('t', text.size(), std::as_bytes(std::span(text.data(), text.size())));
}

SecretDigest& SecretDigest::add(std::uint64_t number) { return add_field('n', number, {}); }

// The blocks' sums are the coefficients of a polynomial, at a secret point.
SecretDigest& SecretDigest::add_many(std::span<const std::byte> bytes) {
  Wide value = 0;
  const auto take = [&](const std::byte* block) {
    value = multiply_add(value, key_->point_, block_sum(key_->words_, block));
  };
  std::span<const std::byte> left = bytes;
  for (; left.size() >= kBlockBytes; left = left.subspan(kBlockBytes)) take(left.data());
  if (!left.empty()) {
    std::array<std::byte, kBlockBytes> last{};
    std::memcpy(last.data(), left.data(), left.size());
    take(last.data());
  }
  return add_field('m', bytes.size(), std::as_bytes(std::span(&value, 1)));
}

std::string SecretDigest::hex() const {
  const auto hash =
      siphash(key_->mixing_, std::as_bytes(std::span(fields_.data(), fields_.size())));
  return to_hex(hash[0]) + to_hex(hash[1]);
}

std::array<std::uint64_t, 2> siphash(const std::array<std::uint64_t, 2>& key,
                                     std::span<const std::byte> bytes) {
  std::uint64_t a = key[0] ^ 0x736f6d6570736575u, b = key[1] ^ 0x646f72616e646f6du ^ 0xee,
                c = key[0] ^ 0x6c7967656e657261u, d = key[1] ^ 0x7465646279746573u;
  const auto rounds = [&](int count) {
    for (; count > 0; --count) {
      a += b, b = std::rotl(b, 13) ^ a, a = std::rotl(a, 32);
      c += d, d = std::rotl(d, 16) ^ c;
      a += d, d = std::rotl(d, 21) ^ a;
      c += b, b = std::rotl(b, 17) ^ c, c = std::rotl(c, 32);
    }
  };
  const auto take = [&](std::uint64_t word) {
    d ^= word;
    rounds(2);
    a ^= word;
  };
  std::size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) take(word_at(bytes.data() + at));
  std::uint64_t last = 0;
  if (at < bytes.size()) std::memcpy(&last, bytes.data() + at, bytes.size() - at);
  take(last | static_cast<std::uint64_t>(bytes.size()) << 56);
  c ^= 0xee;
  rounds(4);
  const std::uint64_t first = a ^ b ^ c ^ d;
  b ^= 0xdd;
  rounds(4);
  return {first, a ^ b ^ c ^ d};
}

}  // namespace sidenet
