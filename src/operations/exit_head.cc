#include "exit_head.h"

#include <algorithm>
#include <vector>

#include "basic_kernels.h"
#include "checked.h"
#include "exit_choice.h"
#include "sidenet/error.h"

namespace sidenet::ops {
namespace {

// A tap (C, H, W) seen as a grid of pool x pool cells; a vector (F), or what tokens are pooled to,
// is a 1 x 1 grid of F channels.
struct Grid {
  int channels, h = 1, w = 1, pool;
  bool of_tokens;
  TokenPooling tokens;
  int hidden = 0;  // of_tokens: width of one
  int features;    // channels * pool * pool
  Grid(const Shape& tap, const ExitPooling& pooling)
      : pool(effective_pool(tap, pooling.grid)),
        of_tokens(is_per_token(tap)),
        tokens(pooling.tokens) {
    if (of_tokens) {
      hidden = checked_int(tap[1], kExtents);
      channels = checked_int(pooled_features(tokens, tap[1]), kFeatures);
    } else {
      channels = checked_int(tap[0], kExtents);
      if (tap.size() == 3) h = checked_int(tap[1], kExtents), w = checked_int(tap[2], kExtents);
    }
    const auto cells = static_cast<std::uint64_t>(pool) * static_cast<std::uint64_t>(pool);
    features =
        checked_int(checked_mul(static_cast<std::uint64_t>(channels), cells, kFeatures), kFeatures);
  }
  kernels::PoolGrid pooled() const { return {h, w, channels, pool}; }

 private:
  static constexpr const char *kExtents = "exit: extents of its tap",
                              *kFeatures = "exit: features of its tap";
};

bool is_tap(const Shape& shape) {
  return shape.size() == 1 || shape.size() == 3 || (shape.size() == 2 && is_per_token(shape));
}

// Rows that an exit takes at once: their features and hidden values are its scratch, 16 MiB or
// those of one row.
int rows_at_once(std::size_t floats_of_row) {
  constexpr std::size_t kMostRows = 16, kMostFloats = std::size_t{4} << 20;
  return static_cast<int>(std::clamp<std::size_t>(kMostFloats / floats_of_row, 1, kMostRows));
}

class ExitHeadExecutable : public Executable {
 public:
  ExitHeadExecutable(const Grid& grid, std::size_t hidden, std::size_t classes,
                     std::unique_ptr<kernels::ExitKernel> kernel,
                     const kernels::BasicKernels& basic)
      : grid_(grid),
        hidden_(hidden),
        classes_(classes),
        kernel_(std::move(kernel)),
        basic_(basic),
        rows_at_once_(rows_at_once(row_floats())) {}
  std::string kernel() const override { return kernel_->name(); }
  std::size_t scratch_bytes(const Capacity& capacity) const override {
    return buffers_bytes() + kernel_->scratch_bytes(capacity.threads);
  }
  std::span<const std::byte> streamed_weights() const override {
    return kernel_->streamed_weights();
  }
  std::size_t weight_bytes() const override { return kernel_->weight_bytes(); }
  void run(std::span<const float* const> inputs, float* output, const RowBatch& batch,
           std::byte* scratch, int threads) const override {
    float* features = reinterpret_cast<float*>(scratch);
    const kernels::ExitKernel::Buffers buffers{
        features,
        features +
            static_cast<std::size_t>(rows_at_once_) * static_cast<std::size_t>(grid_.features),
        scratch + buffers_bytes()};
    const std::size_t elements = static_cast<std::size_t>(grid_.channels) * grid_.h * grid_.w;
    for (int first = 0; first < batch.rows; first += rows_at_once_) {
      const int count = std::min(rows_at_once_, batch.rows - first);
      float* logits = output + static_cast<std::size_t>(first) * classes_;
      if (grid_.of_tokens) {
        pool_tokens(basic_, grid_.tokens, inputs[0], grid_.hidden,
                    {count, batch.tokens, batch.offsets + first}, features, threads);
        kernel_->run_pooled(count, buffers, logits, threads);
      } else {
        kernel_->run(inputs[0] + static_cast<std::size_t>(first) * elements, count, buffers, logits,
                     threads);
      }
    }
  }

 private:
  std::size_t row_floats() const { return static_cast<std::size_t>(grid_.features) + hidden_; }
  std::size_t buffers_bytes() const {
    const std::size_t bytes =
        sizeof(float) * row_floats() * static_cast<std::size_t>(rows_at_once_);
    return (bytes + 63) / 64 * 64;
  }

  Grid grid_;
  std::size_t hidden_, classes_;
  std::unique_ptr<kernels::ExitKernel> kernel_;
  const kernels::BasicKernels& basic_;
  int rows_at_once_;
};

class TapFeaturesExecutable : public Executable {
 public:
  TapFeaturesExecutable(const Grid& grid, const kernels::BasicKernels& basic)
      : grid_(grid), basic_(basic) {}
  std::string kernel() const override { return basic_.name; }
  std::size_t scratch_bytes(const Capacity&) const override {
    return sizeof(float) * static_cast<std::size_t>(grid_.features);
  }
  void run(std::span<const float* const> inputs, float* output, const RowBatch& batch,
           std::byte* scratch, int threads) const override {
    float* pooled = reinterpret_cast<float*>(scratch);
    const auto features = static_cast<std::size_t>(grid_.features);
    const std::size_t elements = static_cast<std::size_t>(grid_.channels) * grid_.h * grid_.w;
    for (int row = 0; row < batch.rows; ++row) {
      if (grid_.of_tokens) {
        pool_tokens(basic_, grid_.tokens, inputs[0], grid_.hidden,
                    {1, batch.tokens, batch.offsets + row}, pooled, threads);
      } else {
        basic_.adaptive_avg_pool(inputs[0] + static_cast<std::size_t>(row) * elements, grid_.h,
                                 grid_.w, grid_.channels, pooled, grid_.pool, grid_.pool, threads);
      }
      basic_.hwc_to_chw(pooled, grid_.channels, grid_.pool * grid_.pool,
                        output + static_cast<std::size_t>(row) * features);
    }
  }

 private:
  Grid grid_;
  const kernels::BasicKernels& basic_;
};

}  // namespace

int effective_pool(const Shape& tap, int pool) {
  if (tap.size() != 3) return 1;
  return static_cast<int>(
      std::clamp<std::int64_t>(pool, 1, std::max<std::int64_t>(1, std::min(tap[1], tap[2]))));
}

ExitHead::ExitHead(SideNet sidenet) : sidenet_(std::move(sidenet)) { sidenet_.check(); }

Shape ExitHead::output_shape(std::span<const Shape> inputs) const {
  if (!is_tap(inputs[0]))
    throw Error("exit: expected a tap (C, H, W), (tokens, features) or (features), got " +
                to_string(inputs[0]));
  const Grid grid(inputs[0], sidenet_.pooling);
  if (grid.features != sidenet_.features()) {
    const std::string pooled = grid.of_tokens
                                   ? name_of(grid.tokens)
                                   : std::to_string(grid.pool) + " x " + std::to_string(grid.pool);
    throw Error("exit: the SideNet takes " + std::to_string(sidenet_.features()) +
                " features, a tap " + to_string(inputs[0]) + " pooled to " + pooled + " gives " +
                std::to_string(grid.features));
  }
  return {sidenet_.classes()};
}

std::int64_t ExitHead::multiply_adds(std::span<const Shape>) const {
  return sidenet_.multiply_adds();
}

std::int64_t ExitHead::parameters() const { return sidenet_.parameters(); }

std::unique_ptr<Executable> ExitHead::prepare(std::span<const Shape> inputs,
                                              const PrepareOptions& options) const {
  const Grid grid(inputs[0], sidenet_.pooling);
  const Tensor mean = sidenet_.mean.to_f32(), std = sidenet_.std.to_f32(),
               w1 = sidenet_.fc1_weight.to_f32(), b1 = sidenet_.fc1_bias.to_f32(),
               w2 = sidenet_.fc2_weight.to_f32(), b2 = sidenet_.fc2_bias.to_f32();
  const auto features = static_cast<std::size_t>(grid.features),
             hidden = static_cast<std::size_t>(w1.dim(0));
  const int cells = grid.pool * grid.pool;
  const kernels::BasicKernels& basic = kernels::basic_kernels(options.kernels);
  // From (channel, y, x) order to the pooled (y, x, channel).
  std::vector<float> weight(hidden * features);
  kernels::ExitProblem problem{
      grid.pooled(), std::vector<float>(features), std::vector<float>(features), {}, {}};
  const auto reorder = [&](const float* from, float* to) {
    basic.chw_to_hwc(from, grid.channels, cells, to);
  };
  for (std::size_t o = 0; o < hidden; ++o)
    reorder(w1.data<float>() + o * features, weight.data() + o * features);
  reorder(mean.data<float>(), problem.mean.data());
  reorder(std.data<float>(), problem.scale.data());
  for (float& scale : problem.scale) scale = 1 / scale;
  problem.fc1 = {weight.data(), b1.data<float>(), checked_int(w1.dim(0), "exit: hidden units")};
  problem.fc2 = {w2.data<float>(), b2.data<float>(), checked_int(w2.dim(0), "exit: classes")};
  auto kernel = kernels::choose_exit(std::move(problem), options.kernels);
  sidenet_.fc1_weight.release_pages();
  return std::make_unique<ExitHeadExecutable>(grid, hidden, static_cast<std::size_t>(w2.dim(0)),
                                              std::move(kernel), basic);
}

Shape TapFeatures::output_shape(std::span<const Shape> inputs) const {
  if (!is_tap(inputs[0]))
    throw Error("tap: expected (C, H, W), (tokens, features) or (features), got " +
                to_string(inputs[0]));
  return {Grid(inputs[0], pooling_).features};
}

std::unique_ptr<Executable> TapFeatures::prepare(std::span<const Shape> inputs,
                                                 const PrepareOptions& options) const {
  return std::make_unique<TapFeaturesExecutable>(Grid(inputs[0], pooling_),
                                                 kernels::basic_kernels(options.kernels));
}

}  // namespace sidenet::ops
