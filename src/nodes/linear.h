#pragma once

#include "operation.h"

namespace sidenet::nodes {

/// y = W x + b, (in) to (out); takes in a ReLU behind it.
class Linear : public Operation {
 public:
  /// weight: (out, in); bias: (out), or empty. Throws Error where they disagree.
  Linear(Tensor weight, Tensor bias);
  std::string kind() const override { return relu_ ? "linear+relu" : "linear"; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  std::int64_t multiply_adds(std::span<const Shape>) const override { return weight_.size(); }
  std::int64_t parameters() const override { return weight_.size() + (bias_.empty() ? 0 : bias_.size()); }
  std::unique_ptr<Operation> fuse(const Operation& next, std::size_t operand) const override;
  std::unique_ptr<Executable> prepare(std::span<const Shape> inputs) const override;

 private:
  Tensor weight_, bias_;
  bool relu_ = false;
};

}  // namespace sidenet::nodes
