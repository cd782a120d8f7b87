#pragma once

#include <cstdint>

namespace sidenet {

/// A shuffle of 0 … size - 1 by a seed, each place computed on its own, so that nothing is kept: a
/// Feistel network over the next power of 4, walked until it comes inside (Black and Rogaway,
/// "Ciphers with arbitrary finite domains", CT-RSA 2002). Streams of one seed are independent.
class Permutation {
 public:
  Permutation(std::uint64_t size, std::uint64_t seed, std::uint64_t stream);
  /// Where i comes to stand; expects i < size.
  std::uint64_t operator()(std::uint64_t i) const;

 private:
  std::uint64_t size_, key_;
  int half_ = 1;  // bits
};

}  // namespace sidenet
