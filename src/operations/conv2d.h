#pragma once

#include <vector>

#include "operation.h"

namespace sidenet::ops {

struct Conv2dParameters {
  int stride = 1, padding = 0, dilation = 1, groups = 1;
};

/// 2-d convolution, (C, H, W) to (out, H', W'). Takes in a batch norm behind it (y = s (w * x + b)
/// + t becomes a convolution with s w and s b + t), then an add, then a ReLU.
class Conv2d : public Operation {
 public:
  /// weight: (out, in / groups, kh, kw), any float type; bias: (out), or empty. Throws Error where
  /// they disagree.
  Conv2d(Tensor weight, Tensor bias, const Conv2dParameters& parameters);

  std::string kind() const override;
  /// x, and a residual that was taken in.
  InputCount input_count() const override { return residual_ ? InputCount{2, 2} : InputCount{}; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  std::int64_t multiply_adds(std::span<const Shape> inputs) const override;
  std::int64_t parameters() const override;
  std::unique_ptr<Operation> fuse(const Operation& next, std::size_t operand) const override;
  std::optional<std::size_t> accumulates_into() const override;
  std::unique_ptr<Executable> prepare(std::span<const Shape> inputs,
                                      const PrepareOptions& options) const override;

 private:
  std::vector<float> folded_bias() const;  // empty: none

  Tensor weight_, bias_;
  Conv2dParameters parameters_;
  std::vector<float> scale_, shift_;  // of a folded batch norm, one an output channel; empty: none
  bool residual_ = false, relu_ = false;
};

}  // namespace sidenet::ops
