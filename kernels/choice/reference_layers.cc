#include "reference_layers.h"

#include <algorithm>
#include <vector>

#include "reference_kernels.h"
#include "row_tiles.h"

namespace sidenet::kernels {
namespace {

class ReferenceConv2d : public Conv2dKernel {
 public:
  ReferenceConv2d(const Conv2dShape& shape, const float* weight, const float* bias,
                  const Conv2dPost& post)
      : shape_(shape),
        post_(post),
        weight_(weight, weight + std::size_t(shape.out_channels) *
                                     (shape.in_channels / shape.groups) * shape.kernel_h *
                                     shape.kernel_w),
        bias_(shape.out_channels) {
    if (bias) std::copy_n(bias, bias_.size(), bias_.begin());
  }
  const char* name() const override { return "reference"; }
  std::size_t scratch_bytes() const override { return 0; }
  std::size_t weight_bytes() const override {
    return (weight_.size() + bias_.size()) * sizeof(float);
  }
  void run(const float* src, float* dst, std::byte*, int,
           std::span<const std::byte>) const override {
    reference::conv2d(shape_, src, weight_.data(), bias_.data(), post_, dst);
  }

 private:
  Conv2dShape shape_;
  Conv2dPost post_;
  std::vector<float> weight_, bias_;
};

class ReferenceLinear : public LinearKernel {
 public:
  ReferenceLinear(int in_features, std::span<const LinearWeights> parts, Activation activation)
      : weights_(in_features, parts), in_(in_features), activation_(activation) {}
  const char* name() const override { return "reference"; }
  std::size_t weight_bytes() const override { return weights_.bytes(); }
  void run(const float* x, int rows, float* y, const float* residual, std::byte*,
           int) const override {
    const std::size_t outputs = weights_.bias.size(), count = std::size_t(rows) * outputs;
    reference::linear(x, rows, in_, weights_.weight.data(), weights_.bias.data(),
                      static_cast<int>(outputs), false, y);
    reference::activate(activation_, y, y, count);
    if (residual) reference::add(y, residual, y, count, false);
  }

 private:
  JoinedWeights weights_;
  int in_;
  Activation activation_;
};

}  // namespace

std::unique_ptr<Conv2dKernel> make_reference_conv2d(const Conv2dShape& shape, const float* weight,
                                                    const float* bias, const Conv2dPost& post) {
  return std::make_unique<ReferenceConv2d>(shape, weight, bias, post);
}

std::unique_ptr<LinearKernel> make_reference_linear(int in_features,
                                                    std::span<const LinearWeights> parts,
                                                    Activation activation) {
  return std::make_unique<ReferenceLinear>(in_features, parts, activation);
}

}  // namespace sidenet::kernels
