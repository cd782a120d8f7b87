#include "exit_choice.h"

#include <algorithm>

#include "basic_kernels.h"
#include "linear_choice.h"
#include "pooled_linear.h"

namespace sidenet::kernels {
namespace {

// Pooling and the first layer in one.
class PackedExit : public ExitKernel {
 public:
  PackedExit(cpu::PooledLinear fc1, cpu::PackedLinear fc2)
      : fc1_(std::move(fc1)), fc2_(std::move(fc2)) {}
  const char* name() const override { return "packed linear"; }
  std::size_t weight_bytes() const override {
    return fc1_.linear().weight_bytes() + fc2_.weight_bytes();
  }
  // Between two rows they go out of the caches, and what reads them has little else to do.
  std::span<const std::byte> streamed_weights() const override { return fc1_.linear().weights(); }
  std::size_t scratch_bytes(int) const override { return 0; }
  void run(const float* x, int rows, const Buffers& b, float* y, int threads) const override {
    fc1_.run(x, rows, b.features, b.hidden, threads);
    fc2_.run(b.hidden, rows, y, false, threads);
  }
  void run_pooled(int rows, const Buffers& b, float* y, int threads) const override {
    fc1_.run_pooled(b.features, rows, b.hidden, threads);
    fc2_.run(b.hidden, rows, y, false, threads);
  }

 private:
  cpu::PooledLinear fc1_;
  cpu::PackedLinear fc2_;
};

// One step behind the other, each by the kernel that is chosen for it.
class StepwiseExit : public ExitKernel {
 public:
  StepwiseExit(ExitProblem problem, Kernels kernels)
      : basic_(basic_kernels(kernels)),
        grid_(problem.grid),
        mean_(std::move(problem.mean)),
        scale_(std::move(problem.scale)),
        fc1_(choose_linear(
            {static_cast<int>(grid_.features()), {&problem.fc1, 1}, Activation::relu}, kernels)),
        fc2_(choose_linear({problem.fc1.out_features, {&problem.fc2, 1}}, kernels)) {}
  const char* name() const override { return fc1_->name(); }
  std::size_t weight_bytes() const override { return fc1_->weight_bytes() + fc2_->weight_bytes(); }
  std::size_t scratch_bytes(int threads) const override {
    return std::max(fc1_->scratch_bytes(threads), fc2_->scratch_bytes(threads));
  }
  void run(const float* x, int rows, const Buffers& b, float* y, int threads) const override {
    const std::size_t elements = std::size_t(grid_.h) * grid_.w * grid_.channels;
    for (std::size_t row = 0; row < std::size_t(rows); ++row)
      basic_.adaptive_avg_pool(x + row * elements, grid_.h, grid_.w, grid_.channels,
                               b.features + row * grid_.features(), grid_.pool, grid_.pool,
                               threads);
    run_pooled(rows, b, y, threads);
  }
  void run_pooled(int rows, const Buffers& b, float* y, int threads) const override {
    const std::size_t features = grid_.features();
    for (std::size_t i = 0; i < std::size_t(rows) * features; ++i)
      b.features[i] = (b.features[i] - mean_[i % features]) * scale_[i % features];
    fc1_->run(b.features, rows, b.hidden, nullptr, b.scratch, threads);
    fc2_->run(b.hidden, rows, y, nullptr, b.scratch, threads);
  }

 private:
  const BasicKernels& basic_;
  PoolGrid grid_;
  std::vector<float> mean_, scale_;
  std::unique_ptr<LinearKernel> fc1_, fc2_;
};

}  // namespace

std::unique_ptr<ExitKernel> choose_exit(ExitProblem p, Kernels kernels) {
  if (kernels != Kernels::automatic && kernels != Kernels::own)
    return std::make_unique<StepwiseExit>(std::move(p), kernels);
  cpu::PackedLinear fc1(static_cast<int>(p.grid.features()), p.fc1.out_features, p.fc1.weight,
                        p.fc1.bias);
  cpu::PackedLinear fc2(p.fc1.out_features, p.fc2.out_features, p.fc2.weight, p.fc2.bias);
  return std::make_unique<PackedExit>(
      cpu::PooledLinear(p.grid, std::move(p.mean), std::move(p.scale), std::move(fc1)),
      std::move(fc2));
}

}  // namespace sidenet::kernels
