#include "add.h"

#include "basic_kernels.h"
#include "elementwise.h"
#include "sidenet/error.h"

namespace sidenet::ops {
namespace {

class AddExecutable : public Executable {
 public:
  AddExecutable(Shape shape, bool relu, const kernels::BasicKernels& kernels)
      : shape_(std::move(shape)), relu_(relu), kernels_(kernels) {}
  std::string kernel() const override { return kernels_.name; }
  void run(std::span<const float* const> inputs, float* output, const RowBatch& batch, std::byte*,
           int threads) const override {
    const std::size_t count =
        entry_elements(shape_) * static_cast<std::size_t>(entries(shape_, batch));
    kernels_.add(inputs[0], inputs[1], output, count, relu_, threads);
  }

 private:
  Shape shape_;
  bool relu_;
  const kernels::BasicKernels& kernels_;
};

}  // namespace

Shape Add::output_shape(std::span<const Shape> inputs) const {
  if (inputs[0] != inputs[1]) {
    throw Error("add: expected two inputs of one shape, got " + to_string(inputs[0]) + " and " +
                to_string(inputs[1]));
  }
  return inputs[0];
}

std::unique_ptr<Operation> Add::fuse(const Operation& next, std::size_t) const {
  return with_relu(*this, &Add::relu_, next);
}

std::unique_ptr<Executable> Add::prepare(std::span<const Shape> inputs,
                                         const PrepareOptions& options) const {
  return std::make_unique<AddExecutable>(inputs[0], relu_, kernels::basic_kernels(options.kernels));
}

}  // namespace sidenet::ops
