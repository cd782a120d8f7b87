#pragma once

#include <cstdint>

#include "mix64.h"

namespace sidenet {

/// splitmix64. The standard library's distributions and std::shuffle may differ between
/// implementations; this does not. Streams of one seed are independent, so that threads can draw
/// without an order between them.
class Random {
 public:
  explicit Random(std::uint64_t seed, std::uint64_t stream = 0)
      : state_(mix64(seed + golden_gamma) ^ mix64(~stream)) {}
  std::uint64_t next() { return mix64(state_ += golden_gamma); }
  /// In [0, 1).
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  /// In [0, n), n > 0; the bias of the remainder is below n / 2^64.
  std::uint64_t below(std::uint64_t n) { return next() % n; }

 private:
  static constexpr std::uint64_t golden_gamma = 0x9e3779b97f4a7c15u;
  std::uint64_t state_;
};

}  // namespace sidenet
