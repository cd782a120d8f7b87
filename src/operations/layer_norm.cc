#include "layer_norm.h"

#include "basic_kernels.h"
#include "checked.h"
#include "sidenet/error.h"

namespace sidenet::ops {
namespace {

class LayerNormExecutable : public Executable {
 public:
  LayerNormExecutable(Tensor gamma, Tensor beta, float epsilon, Shape shape,
                      const kernels::BasicKernels& kernels)
      : gamma_(std::move(gamma)),
        beta_(std::move(beta)),
        epsilon_(epsilon),
        shape_(std::move(shape)),
        hidden_(checked_int(shape_.back(), "layer_norm")),
        kernels_(kernels) {}
  std::string kernel() const override { return kernels_.name; }
  void run(std::span<const float* const> inputs, float* output, const RowBatch& batch, std::byte*,
           int threads) const override {
    kernels_.layer_norm(inputs[0], gamma_.data<float>(), beta_.data<float>(), epsilon_, output,
                        entries(shape_, batch), hidden_, threads);
  }

 private:
  Tensor gamma_, beta_;
  float epsilon_;
  Shape shape_;
  int hidden_;
  const kernels::BasicKernels& kernels_;
};

}  // namespace

LayerNorm::LayerNorm(Tensor gamma, Tensor beta, float epsilon)
    : gamma_(std::move(gamma)), beta_(std::move(beta)), epsilon_(epsilon) {
  if (gamma_.rank() != 1 || gamma_.shape() != beta_.shape()) {
    throw Error("layer_norm: expected a weight and a bias of one length, got " +
                to_string(gamma_.shape()) + " and " + to_string(beta_.shape()));
  }
}

Shape LayerNorm::output_shape(std::span<const Shape> inputs) const {
  if (inputs[0].empty() || inputs[0].back() != gamma_.dim(0)) {
    throw Error("layer_norm: expected " + std::to_string(gamma_.dim(0)) +
                " features, got an input " + to_string(inputs[0]));
  }
  return inputs[0];
}

std::unique_ptr<Executable> LayerNorm::prepare(std::span<const Shape> inputs,
                                               const PrepareOptions& options) const {
  return std::make_unique<LayerNormExecutable>(gamma_.to_f32(), beta_.to_f32(), epsilon_, inputs[0],
                                               kernels::basic_kernels(options.kernels));
}

}  // namespace sidenet::ops
