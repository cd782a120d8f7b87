#pragma once

#include <memory>
#include <vector>

#include "conv2d_shape.h"

namespace sidenet::kernels::cpu {

/// Convolution as a matrix product: columns (im2col.h) times the packed weight. Pixels go in tiles,
/// so that scratch stays small.
class Im2colConv2d : public Conv2dKernel {
 public:
  /// weight: (out, in / groups, kernel_h, kernel_w); bias: (out) or null.
  Im2colConv2d(const Conv2dShape& shape, const float* weight, const float* bias,
               const Conv2dPost& post);
  const char* name() const override { return "im2col"; }
  std::size_t scratch_bytes() const override { return slices_ * slice_floats_ * sizeof(float); }
  std::size_t weight_bytes() const override;
  void run(const float* src, float* dst, std::byte* scratch, int threads,
           std::span<const std::byte>) const override;

 private:
  void product(const float* src, std::size_t first, std::size_t pixels, float* columns, float* dst,
               int threads) const;

  Conv2dShape shape_;
  Conv2dPost post_;
  std::size_t group_in_, group_out_;
  std::size_t depth_;       // products summed for one output: kernel_h * kernel_w * in / groups
  std::size_t padded_out_;  // of one group
  std::size_t pixels_, tile_;
  std::size_t slice_floats_;  // columns of one tile
  std::size_t slices_;  // threads that can work side by side, each in its slice of the scratch
  bool pointwise_;      // no im2col
  std::shared_ptr<float> packed_;  // (groups, padded_out, depth) as packed_product wants it
  std::vector<float> bias_;        // (groups, padded_out)
};

}  // namespace sidenet::kernels::cpu
