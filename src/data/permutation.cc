#include "permutation.h"

#include "mix64.h"
#include "random.h"

namespace sidenet {

Permutation::Permutation(std::uint64_t size, std::uint64_t seed, std::uint64_t stream)
    : size_(size), key_(Random(seed, stream).next()) {
  while (half_ < 32 && std::uint64_t{1} << 2 * half_ < size_) ++half_;
}

std::uint64_t Permutation::operator()(std::uint64_t i) const {
  constexpr std::uint64_t kRounds = 8;
  const std::uint64_t mask = (std::uint64_t{1} << half_) - 1;
  do {
    std::uint64_t left = i >> half_, right = i & mask;
    for (std::uint64_t round = 0; round < kRounds; ++round) {
      const std::uint64_t mixed = left ^ (mix64(key_ + mix64(round << 32 | right)) & mask);
      left = right;
      right = mixed;
    }
    i = left << half_ | right;
  } while (i >= size_);
  return i;
}

}  // namespace sidenet
