#include "elementwise.h"

#include "basic_kernels.h"

namespace sidenet::ops {
namespace {

class ElementwiseExecutable : public Executable {
 public:
  ElementwiseExecutable(kernels::Activation activation, Shape shape,
                        const kernels::BasicKernels& kernels)
      : activation_(activation), shape_(std::move(shape)), kernels_(kernels) {}
  std::string kernel() const override { return kernels_.name; }
  void run(std::span<const float* const> inputs, float* output, const RowBatch& batch, std::byte*,
           int threads) const override {
    kernels_.activate(activation_, inputs[0], output,
                      entry_elements(shape_) * static_cast<std::size_t>(entries(shape_, batch)),
                      threads);
  }

 private:
  kernels::Activation activation_;
  Shape shape_;
  const kernels::BasicKernels& kernels_;
};

}  // namespace

std::unique_ptr<Executable> Elementwise::prepare(std::span<const Shape> inputs,
                                                 const PrepareOptions& options) const {
  return std::make_unique<ElementwiseExecutable>(activation_, inputs[0],
                                                 kernels::basic_kernels(options.kernels));
}

bool is_elementwise(const Operation& operation, kernels::Activation activation) {
  const auto* elementwise = dynamic_cast<const Elementwise*>(&operation);
  return elementwise && elementwise->activation() == activation;
}

}  // namespace sidenet::ops
