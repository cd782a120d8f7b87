#pragma once

#include "operation.h"

namespace sidenet::ops {

/// y = x sigmoid(g[c]), a channel at a time: the excitation of arXiv 1709.01507. Inputs: x, (C, H,
/// W), and g, (C); takes in an add behind it, then a ReLU.
class GateChannels : public Operation {
 public:
  std::string kind() const override;
  /// x and g, and a residual that was taken in.
  InputCount input_count() const override {
    return residual_ ? InputCount{3, 3} : InputCount{2, 2};
  }
  Shape output_shape(std::span<const Shape> inputs) const override;
  std::int64_t multiply_adds(std::span<const Shape> inputs) const override {
    return element_count(inputs[0]);
  }
  std::unique_ptr<Operation> fuse(const Operation& next, std::size_t operand) const override;
  std::optional<std::size_t> may_overwrite() const override { return 0; }
  std::unique_ptr<Executable> prepare(std::span<const Shape> inputs,
                                      const PrepareOptions& options) const override;

 private:
  bool residual_ = false, relu_ = false;
};

}  // namespace sidenet::ops
