#include "linear.h"

#include "cpu_kernels.h"
#include "relu.h"
#include "sidenet/error.h"

namespace sidenet::nodes {
namespace {

class LinearExecutable : public Executable {
 public:
  LinearExecutable(kernels::cpu::PackedLinear linear, bool relu) : linear_(std::move(linear)), relu_(relu) {}
  std::size_t weight_bytes() const override { return linear_.weight_bytes(); }
  void run(std::span<const float* const> inputs, float* output, int rows, std::byte*, int threads) const override {
    linear_.run(inputs[0], rows, output, relu_, threads);
  }

 private:
  kernels::cpu::PackedLinear linear_;
  bool relu_;
};

}  // namespace

Linear::Linear(Tensor weight, Tensor bias) : weight_(std::move(weight)), bias_(std::move(bias)) {
  if (weight_.rank() != 2) throw Error("linear: expected a weight (out, in), got " + to_string(weight_.shape()));
  if (!bias_.empty() && bias_.size() != weight_.dim(0)) {
    throw Error("linear: expected " + std::to_string(weight_.dim(0)) + " biases, got " + std::to_string(bias_.size()));
  }
}

Shape Linear::output_shape(std::span<const Shape> inputs) const {
  if (inputs[0].size() != 1 || inputs[0][0] != weight_.dim(1)) {
    throw Error("linear: expected " + std::to_string(weight_.dim(1)) + " features, got an input " + to_string(inputs[0]));
  }
  return {weight_.dim(0)};
}

std::unique_ptr<Operation> Linear::fuse(const Operation& next, std::size_t) const {
  if (relu_ || !dynamic_cast<const Relu*>(&next)) return nullptr;
  auto fused = std::make_unique<Linear>(*this);
  fused->relu_ = true;
  return fused;
}

std::unique_ptr<Executable> Linear::prepare(std::span<const Shape>) const {
  const Tensor weight = weight_.to_f32(), bias = bias_.to_f32();
  kernels::cpu::PackedLinear packed(static_cast<int>(weight.dim(1)), static_cast<int>(weight.dim(0)), weight.data<float>(),
                                    bias_.empty() ? nullptr : bias.data<float>());
  weight_.release_pages();
  return std::make_unique<LinearExecutable>(std::move(packed), relu_);
}

}  // namespace sidenet::nodes
