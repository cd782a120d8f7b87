#include "linear.h"

#include "add.h"
#include "checked.h"
#include "elementwise.h"
#include "linear_choice.h"
#include "sidenet/error.h"

namespace sidenet::ops {
namespace {

using kernels::Activation, kernels::LinearRows;

class LinearExecutable : public Executable {
 public:
  LinearExecutable(std::unique_ptr<kernels::LinearKernel> kernel, bool of_all_tokens)
      : kernel_(std::move(kernel)), of_all_tokens_(of_all_tokens) {}
  std::string kernel() const override { return kernel_->name(); }
  std::size_t scratch_bytes(const Capacity& capacity) const override {
    return kernel_->scratch_bytes(capacity.threads);
  }
  std::size_t weight_bytes() const override { return kernel_->weight_bytes(); }
  void run(std::span<const float* const> inputs, float* output, const RowBatch& batch,
           std::byte* scratch, int threads) const override {
    const float* residual = inputs.size() > 1 ? inputs[1] : nullptr;
    kernel_->run(inputs[0], of_all_tokens_ ? batch.tokens : batch.rows, output, residual, scratch,
                 threads);
  }

 private:
  std::unique_ptr<kernels::LinearKernel> kernel_;
  bool of_all_tokens_;
};

}  // namespace

Linear::Linear(Tensor weight, Tensor bias)
    : Linear(std::vector{LinearWeights{std::move(weight), std::move(bias)}}) {}

Linear::Linear(std::vector<LinearWeights> parts) : parts_(std::move(parts)) {
  for (const auto& [weight, bias] : parts_) {
    if (weight.rank() != 2)
      throw Error("linear: expected a weight (out, in), got " + to_string(weight.shape()));
    if (weight.size() == 0)
      throw Error("linear: expected a weight (out, in) of at least 1 x 1, got " +
                  to_string(weight.shape()));
    if (weight.dim(1) != in_features()) {
      throw Error("linear: expected weights of one input width, got " +
                  to_string(parts_[0].weight.shape()) + " and " + to_string(weight.shape()));
    }
    if (!bias.empty() && bias.size() != weight.dim(0)) {
      throw Error("linear: expected " + std::to_string(weight.dim(0)) + " biases, got " +
                  std::to_string(bias.size()));
    }
  }
}

Linear Linear::part(std::size_t first, std::size_t count) const {
  const auto begin = parts_.begin() + static_cast<std::ptrdiff_t>(first);
  return Linear(std::vector(begin, begin + static_cast<std::ptrdiff_t>(count)));
}

Linear Linear::over_first_tokens() const {
  Linear result = *this;
  result.of_tokens_ = true;
  return result;
}

std::string Linear::kind() const {
  const bool plain = activation_ == Activation::none;
  return std::string("linear") + (plain ? "" : "+") +
         (plain ? "" : kernels::activation_name(activation_)) + (residual_ ? "+add" : "");
}

std::int64_t Linear::out_features() const {
  std::int64_t out = 0;
  for (const auto& part : parts_) out += part.weight.dim(0);
  return out;
}

Shape Linear::output_shape(std::span<const Shape> inputs) const {
  Shape out = inputs[0];
  if (out.empty() || out.size() > 2 || out.back() != in_features()) {
    throw Error("linear: expected " + std::to_string(in_features()) + " features, got an input " +
                to_string(inputs[0]));
  }
  out.back() = out_features();
  if (residual_ && inputs[1] != out)
    throw Error("linear: adds " + to_string(inputs[1]) + " to " + to_string(out));
  return out;
}

std::int64_t Linear::multiply_adds(std::span<const Shape> inputs) const {
  return saturating_mul(saturating_mul(in_features(), out_features()),
                        inputs[0].size() == 2 ? inputs[0][0] : 1);
}

std::int64_t Linear::parameters() const {
  std::int64_t count = 0;
  for (const auto& [weight, bias] : parts_)
    count += weight.size() + (bias.empty() ? 0 : bias.size());
  return count;
}

std::unique_ptr<Operation> Linear::fuse(const Operation& next, std::size_t) const {
  if (residual_) return nullptr;
  if (const auto* elementwise = dynamic_cast<const Elementwise*>(&next);
      elementwise && activation_ == Activation::none) {
    auto fused = std::make_unique<Linear>(*this);
    fused->activation_ = elementwise->activation();
    return fused;
  }
  if (const auto* add = dynamic_cast<const Add*>(&next); add && !add->has_relu()) {
    auto fused = std::make_unique<Linear>(*this);
    fused->residual_ = true;
    return fused;
  }
  return nullptr;
}

std::unique_ptr<Executable> Linear::prepare(std::span<const Shape> inputs,
                                            const PrepareOptions& options) const {
  std::vector<Tensor> kept;  // what to_f32() made, until it is packed
  std::vector<kernels::LinearWeights> parts;
  const auto values = [&](const Tensor& tensor) -> const float* {
    if (tensor.empty()) return nullptr;
    kept.push_back(tensor.to_f32());
    return kept.back().data<float>();
  };
  kept.reserve(2 * parts_.size());
  for (const auto& [weight, bias] : parts_)
    parts.push_back({values(weight), values(bias), checked_int(weight.dim(0), "linear")});
  checked_int(out_features(), "linear");
  const auto in = checked_int(in_features(), "linear");
  const bool all = is_per_token(inputs[0]), of_tokens = all || of_tokens_;
  if (!of_tokens && parts.size() != 1)
    throw Error("linear: expected one part for rows that are vectors, got " +
                std::to_string(parts.size()));
  auto kernel = kernels::choose_linear(
      {in, parts, activation_, of_tokens ? LinearRows::tokens : LinearRows::vectors},
      options.kernels);
  for (const auto& part : parts_) part.weight.release_pages();
  return std::make_unique<LinearExecutable>(std::move(kernel), all);
}

}  // namespace sidenet::ops
