#pragma once

#include "activation.h"
#include "operation.h"

namespace sidenet::ops {

/// y = activation(x), element by element.
class Elementwise : public Operation {
 public:
  explicit Elementwise(kernels::Activation activation) : activation_(activation) {}
  kernels::Activation activation() const { return activation_; }
  std::string kind() const override { return kernels::activation_name(activation_); }
  Shape output_shape(std::span<const Shape> inputs) const override { return inputs[0]; }
  bool is_by_entry() const override { return true; }
  std::optional<std::size_t> may_overwrite() const override { return 0; }
  std::unique_ptr<Executable> prepare(std::span<const Shape> inputs,
                                      const PrepareOptions& options) const override;

 private:
  kernels::Activation activation_;
};

/// Whether it is an Elementwise of this activation: what an operation may take in that knows no
/// other.
bool is_elementwise(const Operation& operation, kernels::Activation activation);

/// `operation` with the ReLU behind it, which its flag `relu` turns on; null where `next` is
/// another, or there is one already.
template <typename Taking>
std::unique_ptr<Operation> with_relu(const Taking& operation, bool Taking::*relu,
                                     const Operation& next) {
  if (operation.*relu || !is_elementwise(next, kernels::Activation::relu)) return nullptr;
  auto fused = std::make_unique<Taking>(operation);
  (*fused).*relu = true;
  return fused;
}

}  // namespace sidenet::ops
