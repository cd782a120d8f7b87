#include "packed_layers.h"

#include "linear_post.h"
#include "packed_gemm.h"
#include "packed_linear.h"

namespace sidenet::kernels {
namespace {

// Sums in several chains at once, for few rows.
class PackedVectors : public LinearKernel {
 public:
  PackedVectors(cpu::PackedLinear linear, Activation activation)
      : linear_(std::move(linear)), activation_(activation) {}
  const char* name() const override { return "packed linear"; }
  std::size_t weight_bytes() const override { return linear_.weight_bytes(); }
  void run(const float* x, int rows, float* y, const float* residual, std::byte*,
           int threads) const override {
    const std::size_t count =
        static_cast<std::size_t>(rows) * static_cast<std::size_t>(linear_.out_features());
    const bool relu = activation_ == Activation::relu;  // its kernel does that on the way
    linear_.run(x, rows, y, relu, threads);
    cpu::finish_linear(relu ? Activation::none : activation_, residual, y, count, threads);
  }

 private:
  cpu::PackedLinear linear_;
  Activation activation_;
};

class PackedTokens : public LinearKernel {
 public:
  PackedTokens(cpu::PackedGemm gemm, Activation activation)
      : gemm_(std::move(gemm)), activation_(activation) {}
  const char* name() const override { return "packed gemm"; }
  std::size_t weight_bytes() const override { return gemm_.weight_bytes(); }
  void run(const float* x, int rows, float* y, const float* residual, std::byte*,
           int threads) const override {
    gemm_.run(x, rows, y, activation_, residual, threads);
  }

 private:
  cpu::PackedGemm gemm_;
  Activation activation_;
};

}  // namespace

std::unique_ptr<LinearKernel> make_packed_linear(const LinearProblem& p) {
  if (p.rows == LinearRows::tokens || p.parts.size() > 1)
    return std::make_unique<PackedTokens>(cpu::PackedGemm(p.in_features, p.parts), p.activation);
  const LinearWeights& part = p.parts[0];
  return std::make_unique<PackedVectors>(
      cpu::PackedLinear(p.in_features, part.out_features, part.weight, part.bias), p.activation);
}

}  // namespace sidenet::kernels
