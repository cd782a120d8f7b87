#pragma once

#include <cstddef>

namespace sidenet::kernels {

struct LinearWeights {
  const float* weight;  ///< (out_features, in_features), row-major
  const float* bias;    ///< (out_features) or null
  int out_features;
};

/// y = activation(x W^T + b) + residual with its weights and activation, ready to run. Immutable:
/// many threads may run one at once, each with its own scratch.
class LinearKernel {
 public:
  virtual ~LinearKernel() = default;
  /// What it is called in a profile.
  virtual const char* name() const = 0;
  virtual std::size_t weight_bytes() const = 0;
  /// What run() wants on so many threads.
  virtual std::size_t scratch_bytes(int threads) const {
    (void)threads;
    return 0;
  }
  /// x: (rows, in_features); y: (rows, out_features); residual: as y, or null; neither is y.
  /// scratch: 64-byte aligned. A row's bits are the same beside any rows, at any place among them,
  /// and on any number of threads.
  virtual void run(const float* x, int rows, float* y, const float* residual, std::byte* scratch,
                   int threads) const = 0;
};

}  // namespace sidenet::kernels
