#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace sidenet::kernels::cpu {

struct PackedWeight;

/// y = relu?(x W^T + b). Weights are packed once: blocks of outputs, input-major, so that a row's
/// sums run over the inputs in order whatever the number of rows. Weights that are bfloat16
/// numbers, all of them, are kept in two bytes each: where there is one row, reading them is what
/// takes the time. The sums are the same to the bit.
class PackedLinear {
 public:
  /// weight: (out_features, in_features) row-major; bias: (out_features) or null.
  PackedLinear(int in_features, int out_features, const float* weight, const float* bias);
  int in_features() const { return in_features_; }
  int out_features() const { return out_features_; }
  std::size_t weight_bytes() const;
  /// As they are kept.
  std::span<const std::byte> weights() const;
  /// x: (rows, in_features); y: (rows, out_features).
  void run(const float* x, int rows, float* y, bool relu, int threads) const;

 private:
  friend class PooledLinear;
  PackedWeight weight() const;

  int in_features_, out_features_;
  bool halves_;
  std::shared_ptr<float> packed_;  // as PackedWeight has it
  std::vector<float> bias_;
};

}  // namespace sidenet::kernels::cpu
