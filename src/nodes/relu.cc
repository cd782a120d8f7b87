#include "relu.h"

#include "cpu_kernels.h"

namespace sidenet::nodes {
namespace {

class ReluExecutable : public Executable {
 public:
  explicit ReluExecutable(std::size_t elements) : elements_(elements) {}
  void run(std::span<const float* const> inputs, float* output, int rows, std::byte*, int threads) const override {
    kernels::cpu::relu(inputs[0], output, elements_ * static_cast<std::size_t>(rows), threads);
  }

 private:
  std::size_t elements_;
};

}  // namespace

std::unique_ptr<Executable> Relu::prepare(std::span<const Shape> inputs) const {
  return std::make_unique<ReluExecutable>(static_cast<std::size_t>(element_count(inputs[0])));
}

}  // namespace sidenet::nodes
