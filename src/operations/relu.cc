#include "relu.h"

#include "cpu_kernels.h"

namespace sidenet::ops {
namespace {

class ReluExecutable : public Executable {
 public:
  explicit ReluExecutable(Shape shape) : shape_(std::move(shape)) {}
  void run(std::span<const float* const> inputs, float* output, const RowBatch& batch, std::byte*,
           int threads) const override {
    kernels::cpu::relu(inputs[0], output,
                       entry_elements(shape_) * static_cast<std::size_t>(entries(shape_, batch)),
                       threads);
  }

 private:
  Shape shape_;
};

}  // namespace

std::unique_ptr<Executable> Relu::prepare(std::span<const Shape> inputs,
                                          const PrepareOptions&) const {
  return std::make_unique<ReluExecutable>(inputs[0]);
}

}  // namespace sidenet::ops
