#pragma once

#include <vector>

#include "conv2d_shape.h"

namespace sidenet::kernels::cpu {

/// A convolution where each channel is its own group (in = out = groups): too little work a channel
/// for a matrix product, so plain loops with the channels innermost. Needs no scratch.
class DepthwiseConv2d : public Conv2dKernel {
 public:
  /// weight: (channels, 1, kernel_h, kernel_w); bias: (channels) or null.
  DepthwiseConv2d(const Conv2dShape& shape, const float* weight, const float* bias,
                  const Conv2dPost& post);
  const char* name() const override { return "depthwise"; }
  std::size_t scratch_bytes() const override { return 0; }
  std::size_t weight_bytes() const override {
    return (weight_.size() + bias_.size()) * sizeof(float);
  }
  void run(const float* src, float* dst, std::byte* scratch, int threads,
           std::span<const std::byte>) const override;

 private:
  void run_pixel(const float* src, int y, int x, float* dst) const;

  Conv2dShape shape_;
  Conv2dPost post_;
  std::size_t channels_;
  std::vector<float> weight_;  // (kernel_h, kernel_w, channels)
  std::vector<float> bias_;    // (channels)
};

}  // namespace sidenet::kernels::cpu
