#include "softmax.h"

#include "basic_kernels.h"
#include "checked.h"
#include "sidenet/error.h"

namespace sidenet::ops {
namespace {

class SoftmaxExecutable : public Executable {
 public:
  SoftmaxExecutable(int classes, const kernels::BasicKernels& kernels)
      : classes_(classes), kernels_(kernels) {}
  std::string kernel() const override { return kernels_.name; }
  void run(std::span<const float* const> inputs, float* output, const RowBatch& batch, std::byte*,
           int) const override {
    kernels_.softmax(inputs[0], output, batch.rows, classes_);
  }

 private:
  int classes_;
  const kernels::BasicKernels& kernels_;
};

}  // namespace

Shape Softmax::output_shape(std::span<const Shape> inputs) const {
  if (inputs[0].size() != 1)
    throw Error("softmax: expected an input (classes), got " + to_string(inputs[0]));
  return inputs[0];
}

std::unique_ptr<Executable> Softmax::prepare(std::span<const Shape> inputs,
                                             const PrepareOptions& options) const {
  return std::make_unique<SoftmaxExecutable>(checked_int(inputs[0][0], "softmax"),
                                             kernels::basic_kernels(options.kernels));
}

}  // namespace sidenet::ops
