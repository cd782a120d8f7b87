#include "tanh.h"

#include "transformer_kernels.h"

namespace sidenet::ops {
namespace {

class TanhExecutable : public Executable {
 public:
  explicit TanhExecutable(Shape shape) : shape_(std::move(shape)) {}
  void run(std::span<const float* const> inputs, float* output, const RowBatch& batch, std::byte*,
           int threads) const override {
    kernels::cpu::tanh(inputs[0], output,
                       entry_elements(shape_) * static_cast<std::size_t>(entries(shape_, batch)),
                       threads);
  }

 private:
  Shape shape_;
};

}  // namespace

std::unique_ptr<Executable> Tanh::prepare(std::span<const Shape> inputs,
                                          const PrepareOptions&) const {
  return std::make_unique<TanhExecutable>(inputs[0]);
}

}  // namespace sidenet::ops
