#pragma once

#include "operation.h"

namespace sidenet::ops {

/// Gaussian error linear unit (arXiv 1606.08415): x Phi(x), by erf, or by its tanh approximation
/// (section 2).
class Gelu : public Operation {
 public:
  explicit Gelu(bool tanh_form) : tanh_form_(tanh_form) {}
  bool tanh_form() const { return tanh_form_; }
  std::string kind() const override { return tanh_form_ ? "gelu_tanh" : "gelu"; }
  Shape output_shape(std::span<const Shape> inputs) const override { return inputs[0]; }
  std::optional<std::size_t> may_overwrite() const override { return 0; }
  std::unique_ptr<Executable> prepare(std::span<const Shape> inputs,
                                      const PrepareOptions& options) const override;

 private:
  bool tanh_form_;
};

}  // namespace sidenet::ops
