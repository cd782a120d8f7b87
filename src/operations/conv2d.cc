#include "conv2d.h"

#include "add.h"
#include "batch_norm.h"
#include "checked.h"
#include "conv2d_choice.h"
#include "elementwise.h"
#include "sidenet/error.h"

namespace sidenet::ops {
namespace {

class Conv2dExecutable : public Executable {
 public:
  Conv2dExecutable(std::unique_ptr<kernels::Conv2dKernel> kernel, std::size_t source,
                   std::size_t target)
      : kernel_(std::move(kernel)), source_elements_(source), target_elements_(target) {}
  std::size_t scratch_bytes(const Capacity&) const override { return kernel_->scratch_bytes(); }
  std::size_t weight_bytes() const override { return kernel_->weight_bytes(); }
  std::string kernel() const override { return kernel_->name(); }
  bool has_own_threads() const override { return kernel_->has_own_threads(); }
  void run(std::span<const float* const> inputs, float* output, const RowBatch& batch,
           std::byte* scratch, int threads) const override {
    for (int row = 0; row < batch.rows; ++row) {
      const std::span<const std::byte> none;
      kernel_->run(inputs[0] + static_cast<std::size_t>(row) * source_elements_,
                   output + static_cast<std::size_t>(row) * target_elements_, scratch, threads,
                   row + 1 == batch.rows ? batch.coming : none);
    }
  }

 private:
  std::unique_ptr<kernels::Conv2dKernel> kernel_;
  std::size_t source_elements_, target_elements_;
};

}  // namespace

Conv2d::Conv2d(Tensor weight, Tensor bias, const Conv2dParameters& parameters)
    : weight_(std::move(weight)), bias_(std::move(bias)), parameters_(parameters) {
  if (weight_.rank() != 4)
    throw Error("conv2d: expected a weight (out, in, kh, kw), got " + to_string(weight_.shape()));
  if (weight_.size() > 0)
    checked_int(weight_.size() / weight_.dim(0), "conv2d: inputs of an output");
  if (parameters_.groups < 1 || weight_.dim(0) % parameters_.groups != 0) {
    throw Error("conv2d: " + std::to_string(weight_.dim(0)) +
                " output channels do not divide into " + std::to_string(parameters_.groups) +
                " groups");
  }
  if (!bias_.empty() && bias_.size() != weight_.dim(0)) {
    throw Error("conv2d: expected " + std::to_string(weight_.dim(0)) + " biases, got " +
                std::to_string(bias_.size()));
  }
}

std::string Conv2d::kind() const {
  return std::string("conv2d") + (residual_ ? "+add" : "") + (relu_ ? "+relu" : "");
}

Shape Conv2d::output_shape(std::span<const Shape> inputs) const {
  const Shape& in = inputs[0];
  if (in.size() != 3 || in[0] != weight_.dim(1) * parameters_.groups) {
    throw Error("conv2d: expected an input (" +
                std::to_string(weight_.dim(1) * parameters_.groups) + ", H, W), got " +
                to_string(in));
  }
  const auto extent = [&](std::int64_t size, std::int64_t kernel) {
    const std::int64_t reach =
        size + 2 * parameters_.padding - parameters_.dilation * (kernel - 1) - 1;
    if (reach < 0)
      throw Error("conv2d: an input " + to_string(in) + " is smaller than the kernel " +
                  to_string(weight_.shape()));
    return reach / parameters_.stride + 1;
  };
  Shape out{weight_.dim(0), extent(in[1], weight_.dim(2)), extent(in[2], weight_.dim(3))};
  if (residual_ && inputs[1] != out)
    throw Error("conv2d: adds " + to_string(inputs[1]) + " to " + to_string(out));
  return out;
}

std::int64_t Conv2d::multiply_adds(std::span<const Shape> inputs) const {
  const Shape out = output_shape(inputs);
  return saturating_mul(out[1] * out[2], weight_.size());
}

std::int64_t Conv2d::parameters() const {
  return weight_.size() + (bias_.empty() ? 0 : bias_.size()) +
         static_cast<std::int64_t>(2 * scale_.size());
}

std::unique_ptr<Operation> Conv2d::fuse(const Operation& next, std::size_t operand) const {
  (void)operand;
  if (relu_) return nullptr;
  if (const auto* norm = dynamic_cast<const BatchNorm*>(&next);
      norm && !residual_ && scale_.empty() && !norm->has_relu()) {
    if (norm->channels() != weight_.dim(0)) return nullptr;
    auto fused = std::make_unique<Conv2d>(*this);
    fused->scale_ = norm->scale();
    fused->shift_ = norm->shift();
    return fused;
  }
  if (const auto* add = dynamic_cast<const Add*>(&next); add && !residual_) {
    auto fused = std::make_unique<Conv2d>(*this);
    fused->residual_ = true;
    fused->relu_ = add->has_relu();
    return fused;
  }
  // ReLU alone: the kernels of convolutions know no other activation.
  if (is_elementwise(next, kernels::Activation::relu)) {
    auto fused = std::make_unique<Conv2d>(*this);
    fused->relu_ = true;
    return fused;
  }
  return nullptr;
}

std::optional<std::size_t> Conv2d::accumulates_into() const {
  return residual_ ? std::optional<std::size_t>(1) : std::nullopt;
}

// The batch norm is folded where a layer is prepared, so that no second copy of all weights ever
// exists.
std::vector<float> Conv2d::folded_bias() const {
  if (bias_.empty() && scale_.empty()) return {};
  std::vector<float> bias(static_cast<std::size_t>(weight_.dim(0)), 0.0f);
  if (!bias_.empty()) {
    const Tensor given = bias_.to_f32();
    bias.assign(given.data<float>(), given.data<float>() + bias.size());
  }
  for (std::size_t c = 0; c < scale_.size(); ++c) bias[c] = bias[c] * scale_[c] + shift_[c];
  return bias;
}

std::unique_ptr<Executable> Conv2d::prepare(std::span<const Shape> inputs,
                                            const PrepareOptions& options) const {
  const Shape& in = inputs[0];
  const Shape out = output_shape(inputs);
  kernels::Conv2dProblem problem;
  kernels::Conv2dShape& shape = problem.shape;
  shape.in_channels = checked_int(in[0], "conv2d");
  shape.out_channels = checked_int(out[0], "conv2d");
  shape.groups = parameters_.groups;
  shape.in_h = checked_int(in[1], "conv2d");
  shape.in_w = checked_int(in[2], "conv2d");
  shape.out_h = checked_int(out[1], "conv2d");
  shape.out_w = checked_int(out[2], "conv2d");
  shape.kernel_h = checked_int(weight_.dim(2), "conv2d");
  shape.kernel_w = checked_int(weight_.dim(3), "conv2d");
  shape.stride_h = shape.stride_w = parameters_.stride;
  shape.pad_h = shape.pad_w = parameters_.padding;
  shape.dilation_h = shape.dilation_w = parameters_.dilation;

  const Tensor weight = weight_.to_f32();
  const std::vector<float> bias = folded_bias();
  problem.weight = weight.data<float>();
  problem.scale = scale_.empty() ? nullptr : scale_.data();
  problem.bias = bias.empty() ? nullptr : bias.data();
  problem.post = {residual_, relu_};
  auto kernel = kernels::choose_conv2d(problem, options.kernels, options.winograd);
  weight_.release_pages();
  return std::make_unique<Conv2dExecutable>(std::move(kernel),
                                            static_cast<std::size_t>(element_count(in)),
                                            static_cast<std::size_t>(element_count(out)));
}

}  // namespace sidenet::ops
