#include "linear.h"

#include "add.h"
#include "checked.h"
#include "cpu_kernels.h"
#include "gelu.h"
#include "relu.h"
#include "sidenet/error.h"
#include "tanh.h"
#include "transformer_kernels.h"

namespace sidenet::ops {
namespace {

using kernels::cpu::PackedGemm, kernels::cpu::PackedLinear;

// One vector a row: few rows, and sums in several chains at once.
class RowLinear : public Executable {
 public:
  RowLinear(PackedLinear linear, Linear::Activation activation)
      : linear_(std::move(linear)), activation_(activation) {}
  std::size_t weight_bytes() const override { return linear_.weight_bytes(); }
  void run(std::span<const float* const> inputs, float* output, const RowBatch& batch, std::byte*,
           int threads) const override {
    using Activation = Linear::Activation;
    const std::size_t count =
        static_cast<std::size_t>(batch.rows) * static_cast<std::size_t>(linear_.out_features());
    linear_.run(inputs[0], batch.rows, output, activation_ == Activation::relu, threads);
    if (activation_ == Activation::tanh) kernels::cpu::tanh(output, output, count, threads);
    if (activation_ == Activation::gelu || activation_ == Activation::gelu_tanh)
      kernels::cpu::gelu(output, output, count, activation_ == Activation::gelu_tanh, threads);
    if (inputs.size() > 1) kernels::cpu::add(output, inputs[1], output, count, false, threads);
  }

 private:
  PackedLinear linear_;
  Linear::Activation activation_;
};

// The tokens of all rows, or one of each, as a matrix.
class TokenLinear : public Executable {
 public:
  TokenLinear(PackedGemm gemm, kernels::cpu::Activation activation, bool all)
      : gemm_(std::move(gemm)), activation_(activation), all_(all) {}
  std::size_t scratch_bytes(const Capacity& capacity) const override {
    return gemm_.scratch_bytes(capacity.threads);
  }
  std::size_t weight_bytes() const override { return gemm_.weight_bytes(); }
  void run(std::span<const float* const> inputs, float* output, const RowBatch& batch,
           std::byte* scratch, int threads) const override {
    const float* residual = inputs.size() > 1 ? inputs[1] : nullptr;
    gemm_.run(inputs[0], all_ ? batch.tokens : batch.rows, output, activation_, residual, scratch,
              threads);
  }

 private:
  PackedGemm gemm_;
  kernels::cpu::Activation activation_;
  bool all_;
};

kernels::cpu::Activation kernel_activation(Linear::Activation activation) {
  switch (activation) {
    case Linear::Activation::none: return kernels::cpu::Activation::none;
    case Linear::Activation::relu: return kernels::cpu::Activation::relu;
    case Linear::Activation::gelu: return kernels::cpu::Activation::gelu;
    case Linear::Activation::gelu_tanh: return kernels::cpu::Activation::gelu_tanh;
    case Linear::Activation::tanh: return kernels::cpu::Activation::tanh;
  }
  return kernels::cpu::Activation::none;
}

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
  const char* names[] = {"", "+relu", "+gelu", "+gelu_tanh", "+tanh"};
  return std::string("linear") + names[static_cast<int>(activation_)] + (residual_ ? "+add" : "");
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
  const auto with = [&](Activation activation) -> std::unique_ptr<Operation> {
    if (activation_ != Activation::none) return nullptr;
    auto fused = std::make_unique<Linear>(*this);
    fused->activation_ = activation;
    return fused;
  };
  if (dynamic_cast<const Relu*>(&next)) return with(Activation::relu);
  if (const auto* gelu = dynamic_cast<const Gelu*>(&next))
    return with(gelu->tanh_form() ? Activation::gelu_tanh : Activation::gelu);
  if (dynamic_cast<const Tanh*>(&next)) return with(Activation::tanh);
  if (const auto* add = dynamic_cast<const Add*>(&next); add && !add->has_relu()) {
    auto fused = std::make_unique<Linear>(*this);
    fused->residual_ = true;
    return fused;
  }
  return nullptr;
}

std::unique_ptr<Executable> Linear::prepare(std::span<const Shape> inputs,
                                            const PrepareOptions&) const {
  std::vector<Tensor> kept;  // what to_f32() made, until it is packed
  std::vector<kernels::cpu::LinearWeights> parts;
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
  std::unique_ptr<Executable> result;
  if (const bool all = is_per_token(inputs[0]); all || of_tokens_) {
    result =
        std::make_unique<TokenLinear>(PackedGemm(in, parts), kernel_activation(activation_), all);
  } else {
    if (parts.size() != 1)
      throw Error("linear: expected one part for rows that are vectors, got " +
                  std::to_string(parts.size()));
    result = std::make_unique<RowLinear>(
        PackedLinear(in, parts[0].out_features, parts[0].weight, parts[0].bias), activation_);
  }
  for (const auto& part : parts_) part.weight.release_pages();
  return result;
}

}  // namespace sidenet::ops
