#include "gelu.h"

#include "transformer_kernels.h"

namespace sidenet::ops {
namespace {

class GeluExecutable : public Executable {
 public:
  GeluExecutable(Shape shape, bool tanh_form) : shape_(std::move(shape)), tanh_form_(tanh_form) {}
  void run(std::span<const float* const> inputs, float* output, const RowBatch& batch, std::byte*,
           int threads) const override {
    const std::size_t count =
        entry_elements(shape_) * static_cast<std::size_t>(entries(shape_, batch));
    kernels::cpu::gelu(inputs[0], output, count, tanh_form_, threads);
  }

 private:
  Shape shape_;
  bool tanh_form_;
};

}  // namespace

std::unique_ptr<Executable> Gelu::prepare(std::span<const Shape> inputs,
                                          const PrepareOptions&) const {
  return std::make_unique<GeluExecutable>(inputs[0], tanh_form_);
}

}  // namespace sidenet::ops
