#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "activation.h"
#include "linear_kernel.h"

namespace sidenet::kernels::cpu {

/// y = activation(x W^T + b) + residual, for many rows (tokens). PackedLinear suits few rows, whose
/// weights are read once.
class PackedGemm {
 public:
  /// weight: (out_features, in_features), neither of them 0; bias: (out_features) or null. Throws
  /// std::bad_alloc.
  PackedGemm(int in_features, int out_features, const float* weight, const float* bias);
  /// Several weights of the same input as one: y holds their outputs side by side.
  PackedGemm(int in_features, std::span<const LinearWeights> parts);
  int in_features() const { return in_features_; }
  int out_features() const { return out_features_; }
  std::size_t weight_bytes() const;
  /// x: (rows, in_features); y: (rows, out_features); residual: as y or null, and may be y itself.
  /// y is not x.
  void run(const float* x, int rows, float* y, Activation activation, const float* residual,
           int threads) const;

 private:
  int in_features_, out_features_;
  std::shared_ptr<float> packed_;  // 64-byte aligned
  std::vector<float> bias_;        // padded to whole vectors
};

}  // namespace sidenet::kernels::cpu
