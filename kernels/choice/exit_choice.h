#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "linear_kernel.h"
#include "pool_grid.h"
#include "sidenet/kernels.h"

namespace sidenet::kernels {

/// y = W2 relu(W1 ((p - mean) * scale) + b1) + b2, with p a row's features: a SideNet. Immutable:
/// many threads may run one at once, each with its own buffers.
class ExitKernel {
 public:
  virtual ~ExitKernel() = default;
  virtual const char* name() const = 0;
  virtual std::size_t weight_bytes() const = 0;
  /// Weights that are worth fetching into the caches before they are read; empty: none.
  virtual std::span<const std::byte> streamed_weights() const { return {}; }
  /// Besides features and hidden values.
  virtual std::size_t scratch_bytes(int threads) const = 0;
  struct Buffers {
    float* features;     ///< (rows, grid.features())
    float* hidden;       ///< (rows, hidden units)
    std::byte* scratch;  ///< 64-byte aligned
  };
  /// x: (rows, h, w, channels), averaged to the grid's cells; y: (rows, classes).
  virtual void run(const float* x, int rows, const Buffers& buffers, float* y,
                   int threads) const = 0;
  /// From features that are pooled already.
  virtual void run_pooled(int rows, const Buffers& buffers, float* y, int threads) const = 0;
};

struct ExitProblem {
  PoolGrid grid;
  std::vector<float> mean, scale;  ///< (pool, pool, channels)
  LinearWeights fc1, fc2;
};

/// The kernel for a SideNet. Throws Error, std::bad_alloc.
std::unique_ptr<ExitKernel> choose_exit(ExitProblem problem, Kernels kernels);

}  // namespace sidenet::kernels
