#pragma once

#include <cstddef>
#include <vector>

#include "packed_linear.h"
#include "pool_grid.h"

namespace sidenet::kernels::cpu {

/// y = relu((p - mean) * scale W^T + b) with p = adaptive average of the image: what a SideNet does
/// first. The threads meet once between the two: with one row both halves take but some
/// microseconds.
class PooledLinear {
 public:
  /// mean, scale: (pool, pool, channels), as linear's inputs.
  PooledLinear(const PoolGrid& grid, std::vector<float> mean, std::vector<float> scale,
               PackedLinear linear);
  const PackedLinear& linear() const { return linear_; }
  /// x: (rows, h, w, channels); features: (rows, grid.features()), scratch; y: (rows,
  /// linear().out_features()).
  void run(const float* x, int rows, float* features, float* y, int threads) const;
  /// From features that are pooled already: (rows, grid.features()), standardised in place.
  void run_pooled(float* features, int rows, float* y, int threads) const;

 private:
  void standardise(float* features, std::size_t cell) const;
  // Cells begin … end - 1 of all rows, standardised.
  void pool(const float* x, std::size_t begin, std::size_t end, float* features) const;

  PoolGrid grid_;
  std::vector<float> mean_, scale_;
  PackedLinear linear_;
};

}  // namespace sidenet::kernels::cpu
