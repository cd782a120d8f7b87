#include "depthwise_conv2d.h"

#include <algorithm>

#include "parallel_ranges.h"

namespace sidenet::kernels::cpu {

DepthwiseConv2d::DepthwiseConv2d(const Conv2dShape& shape, const float* weight, const float* bias,
                                 const Conv2dPost& post)
    : shape_(shape), post_(post), channels_(shape.in_channels), bias_(channels_) {
  const std::size_t taps = std::size_t(shape.kernel_h) * shape.kernel_w;
  weight_.resize(taps * channels_);
  for (std::size_t c = 0; c < channels_; ++c) {
    for (std::size_t t = 0; t < taps; ++t) weight_[t * channels_ + c] = weight[c * taps + t];
  }
  if (bias) std::copy_n(bias, channels_, bias_.begin());
}

// One output pixel, in pieces of the channels that fit registers: the sum is complete before dst,
// which may hold the residual, is touched.
void DepthwiseConv2d::run_pixel(const float* src, int y, int x, float* dst) const {
  constexpr std::size_t kPiece = 16;
  const Conv2dShape& s = shape_;
  for (std::size_t first = 0; first < channels_; first += kPiece) {
    const std::size_t count = std::min(kPiece, channels_ - first);
    float sum[kPiece];
    std::copy_n(bias_.data() + first, count, sum);
    for (int ky = 0; ky < s.kernel_h; ++ky) {
      const int in_y = y * s.stride_h - s.pad_h + ky * s.dilation_h;
      if (in_y < 0 || in_y >= s.in_h) continue;
      for (int kx = 0; kx < s.kernel_w; ++kx) {
        const int in_x = x * s.stride_w - s.pad_w + kx * s.dilation_w;
        if (in_x < 0 || in_x >= s.in_w) continue;
        const float* from = src + (std::size_t(in_y) * s.in_w + in_x) * channels_ + first;
        const float* weight =
            weight_.data() + (std::size_t(ky) * s.kernel_w + kx) * channels_ + first;
        for (std::size_t c = 0; c < count; ++c) sum[c] += from[c] * weight[c];
      }
    }
    for (std::size_t c = 0; c < count; ++c) {
      const float value = post_.residual ? sum[c] + dst[first + c] : sum[c];
      dst[first + c] = post_.relu && value < 0 ? 0 : value;
    }
  }
}

void DepthwiseConv2d::run(const float* src, float* dst, std::byte*, int threads,
                          std::span<const std::byte>) const {
  const std::size_t work = std::max<std::size_t>(weight_.size(), 1);
  for_each_range(std::size_t(shape_.out_h) * shape_.out_w, kElementGrain / work + 1, threads,
                 [&](std::size_t begin, std::size_t end) {
                   for (std::size_t p = begin; p < end; ++p) {
                     run_pixel(src, static_cast<int>(p / shape_.out_w),
                               static_cast<int>(p % shape_.out_w), dst + p * channels_);
                   }
                 });
}

}  // namespace sidenet::kernels::cpu
