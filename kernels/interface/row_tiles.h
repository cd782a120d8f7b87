#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "linear_kernel.h"

// What linear kernels share that compute a fixed number of rows at a time.
namespace sidenet::kernels {

/// Several weights of one input as one: (out_features, in_features), and a bias, 0 where a part has
/// none.
struct JoinedWeights {
  JoinedWeights(int in_features, std::span<const LinearWeights> parts) {
    for (const LinearWeights& part : parts) {
      const auto outputs = static_cast<std::size_t>(part.out_features);
      weight.insert(weight.end(), part.weight, part.weight + outputs * std::size_t(in_features));
      const std::size_t first = bias.size();
      bias.resize(first + outputs);
      if (part.bias) std::copy_n(part.bias, outputs, bias.begin() + std::ptrdiff_t(first));
    }
  }
  std::size_t bytes() const { return (weight.size() + bias.size()) * sizeof(float); }
  std::vector<float> weight, bias;
};

/// Where a tile of rows lies in memory: its own place, or for a last one that is not full a padded
/// copy.
struct RowTile {
  /// Floats of scratch.
  static std::size_t floats(std::size_t tile_rows, std::size_t in, std::size_t out) {
    return tile_rows * (in + out);
  }

  RowTile(const float* x, float* y, std::size_t rows, std::size_t tile_rows, std::size_t in,
          std::size_t out, float* scratch)
      : x(x), y(y), target_(y), values_(rows * out) {
    if (rows == tile_rows) return;
    std::fill(std::copy_n(x, rows * in, scratch), scratch + tile_rows * in, 0.0f);
    this->x = scratch;
    this->y = scratch + tile_rows * in;
  }
  /// After y is written.
  void finish() const {
    if (y != target_) std::copy_n(y, values_, target_);
  }

  const float* x;
  float* y;

 private:
  float* target_;
  std::size_t values_;
};

}  // namespace sidenet::kernels
