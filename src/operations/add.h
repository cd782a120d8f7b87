#pragma once

#include "operation.h"

namespace sidenet::ops {

/// y = a + b, of one shape; takes in a ReLU behind it.
class Add : public Operation {
 public:
  bool has_relu() const { return relu_; }
  std::string kind() const override { return relu_ ? "add+relu" : "add"; }
  InputCount input_count() const override { return {2, 2}; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  std::unique_ptr<Operation> fuse(const Operation& next, std::size_t operand) const override;
  bool is_by_entry() const override { return true; }
  std::optional<std::size_t> may_overwrite() const override { return 0; }
  std::unique_ptr<Executable> prepare(std::span<const Shape> inputs,
                                      const PrepareOptions& options) const override;

 private:
  bool relu_ = false;
};

}  // namespace sidenet::ops
