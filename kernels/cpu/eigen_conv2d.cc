#include "eigen_conv2d.h"

#include <algorithm>
#include <vector>

#include "cpu_activation.h"
#include "gemm.h"
#include "im2col.h"
#include "parallel_ranges.h"

namespace sidenet::kernels::cpu {
namespace {

constexpr std::size_t kMostTile = 512;  // pixels, so that scratch stays small

class EigenConv2d : public Conv2dKernel {
 public:
  EigenConv2d(const Conv2dShape& shape, const float* weight, const float* bias,
              const Conv2dPost& post)
      : shape_(shape),
        post_(post),
        group_in_(shape.in_channels / shape.groups),
        group_out_(shape.out_channels / shape.groups),
        depth_(group_in_ * shape.kernel_h * shape.kernel_w),
        pixels_(std::size_t(shape.out_h) * shape.out_w),
        tile_(std::min(pixels_, kMostTile)),
        pointwise_(is_pointwise(shape)),
        weight_(channels_last_weight(weight, shape.out_channels, group_in_,
                                     std::size_t(shape.kernel_h) * shape.kernel_w)),
        bias_(shape.out_channels) {
    if (bias) std::copy_n(bias, bias_.size(), bias_.begin());
  }
  const char* name() const override { return "im2col+eigen"; }
  std::size_t scratch_bytes() const override {
    return pointwise_ ? 0 : tile_ * depth_ * sizeof(float);
  }
  std::size_t weight_bytes() const override {
    return (weight_.size() + bias_.size()) * sizeof(float);
  }

  void run(const float* src, float* dst, std::byte* scratch, int threads,
           std::span<const std::byte>) const override {
    float* columns = reinterpret_cast<float*>(scratch);
    for (std::size_t first = 0; first < pixels_; first += tile_) {
      const std::size_t pixels = std::min(tile_, pixels_ - first);
      float* y = dst + first * bias_.size();
      start(y, pixels, threads);
      for (int g = 0; g < shape_.groups; ++g)
        add_products(src, g, first, pixels, columns, y, threads);
      if (post_.relu) activate(Activation::relu, y, y, pixels * bias_.size(), threads);
    }
  }

 private:
  // y = bias + (residual ? y : 0)
  void start(float* y, std::size_t pixels, int threads) const {
    const std::size_t channels = bias_.size();
    for_each_range(pixels, kElementGrain / channels + 1, threads,
                   [=, this](std::size_t begin, std::size_t end) {
                     for (std::size_t i = begin * channels; i < end * channels; ++i)
                       y[i] = bias_[i % channels] + (post_.residual ? y[i] : 0);
                   });
  }

  void add_products(const float* src, int group, std::size_t first, std::size_t pixels,
                    float* columns, float* y, int threads) const {
    const float* x = columns;
    if (pointwise_) {
      x = src + first * shape_.in_channels + group * group_in_;
    } else {
      for_each_range(pixels, kElementGrain / (depth_ + 1) + 1, threads,
                     [&](std::size_t begin, std::size_t end) {
                       gather_columns(shape_, src, group, first + begin, end - begin,
                                      columns + begin * depth_);
                     });
    }
    const int depth = static_cast<int>(depth_);
    gemm(false, true, static_cast<int>(pixels), static_cast<int>(group_out_), depth, x,
         pointwise_ ? shape_.in_channels : depth, weight_.data() + group * group_out_ * depth_,
         depth, true, y + group * group_out_, shape_.out_channels, threads);
  }

  Conv2dShape shape_;
  Conv2dPost post_;
  std::size_t group_in_, group_out_, depth_, pixels_, tile_;
  bool pointwise_;             // no im2col
  std::vector<float> weight_;  // (out, kernel_h, kernel_w, in / groups)
  std::vector<float> bias_;
};

}  // namespace

std::unique_ptr<Conv2dKernel> make_eigen_conv2d(const Conv2dShape& shape, const float* weight,
                                                const float* bias, const Conv2dPost& post) {
  return std::make_unique<EigenConv2d>(shape, weight, bias, post);
}

}  // namespace sidenet::kernels::cpu
