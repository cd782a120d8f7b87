#include "batch_norm.h"

#include <cmath>

#include "basic_kernels.h"
#include "elementwise.h"
#include "sidenet/error.h"

namespace sidenet::ops {
namespace {

class BatchNormExecutable : public Executable {
 public:
  BatchNormExecutable(std::vector<float> scale, std::vector<float> shift, std::size_t pixels,
                      bool relu, const kernels::BasicKernels& kernels)
      : scale_(std::move(scale)),
        shift_(std::move(shift)),
        pixels_(pixels),
        relu_(relu),
        kernels_(kernels) {}
  std::string kernel() const override { return kernels_.name; }
  std::size_t weight_bytes() const override { return 2 * sizeof(float) * scale_.size(); }
  void run(std::span<const float* const> inputs, float* output, const RowBatch& batch, std::byte*,
           int threads) const override {
    kernels_.scale_shift(inputs[0], scale_.data(), shift_.data(), output,
                         pixels_ * static_cast<std::size_t>(batch.rows),
                         static_cast<int>(scale_.size()), relu_, threads);
  }

 private:
  std::vector<float> scale_, shift_;
  std::size_t pixels_;
  bool relu_;
  const kernels::BasicKernels& kernels_;
};

}  // namespace

BatchNorm::BatchNorm(const Tensor& gamma, const Tensor& beta, const Tensor& mean,
                     const Tensor& variance, double epsilon) {
  const Tensor g = gamma.to_f32(), b = beta.to_f32(), m = mean.to_f32(), v = variance.to_f32();
  if (b.size() != g.size() || m.size() != g.size() || v.size() != g.size())
    throw Error("batch norm: its four tensors differ in size");
  const float *gammas = g.data<float>(), *betas = b.data<float>(), *means = m.data<float>(),
              *variances = v.data<float>();
  for (std::int64_t c = 0; c < g.size(); ++c) {
    const double var = variances[c];
    if (!(var >= 0))
      throw Error("batch norm: running_var[" + std::to_string(c) + "] is " + std::to_string(var) +
                  ", expected 0 or more");
    const double scale = gammas[c] / std::sqrt(var + epsilon);
    scale_.push_back(static_cast<float>(scale));
    shift_.push_back(static_cast<float>(betas[c] - means[c] * scale));
  }
}

Shape BatchNorm::output_shape(std::span<const Shape> inputs) const {
  if (inputs[0].empty() || inputs[0][0] != channels()) {
    throw Error("batch norm: expected " + std::to_string(channels()) + " channels, got an input " +
                to_string(inputs[0]));
  }
  return inputs[0];
}

std::unique_ptr<Operation> BatchNorm::fuse(const Operation& next, std::size_t) const {
  return with_relu(*this, &BatchNorm::relu_, next);
}

std::unique_ptr<Executable> BatchNorm::prepare(std::span<const Shape> inputs,
                                               const PrepareOptions& options) const {
  return std::make_unique<BatchNormExecutable>(
      scale_, shift_, static_cast<std::size_t>(element_count(inputs[0]) / channels()), relu_,
      kernels::basic_kernels(options.kernels));
}

}  // namespace sidenet::ops
