#pragma once

#include "operation.h"

namespace sidenet::ops {

/// Group normalisation (arXiv 1803.08494) of (C, H, W): mean and variance are each row's own, over
/// the pixels and channels of a group. Takes in a ReLU behind it.
class GroupNorm : public Operation {
 public:
  /// gamma, beta: (C). Throws Error where their sizes differ, or C does not divide into `groups`.
  GroupNorm(const Tensor& gamma, const Tensor& beta, int groups, double epsilon);
  std::string kind() const override { return relu_ ? "group_norm+relu" : "group_norm"; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  std::int64_t multiply_adds(std::span<const Shape> inputs) const override {
    return element_count(inputs[0]);
  }
  std::int64_t parameters() const override { return 2 * gamma_.size(); }
  std::unique_ptr<Operation> fuse(const Operation& next, std::size_t operand) const override;
  std::optional<std::size_t> may_overwrite() const override { return 0; }
  std::unique_ptr<Executable> prepare(std::span<const Shape> inputs,
                                      const PrepareOptions& options) const override;

 private:
  Tensor gamma_, beta_;
  int groups_;
  double epsilon_;
  bool relu_ = false;
};

}  // namespace sidenet::ops
