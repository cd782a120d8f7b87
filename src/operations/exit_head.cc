#include "exit_head.h"

#include <algorithm>
#include <vector>

#include "checked.h"
#include "cpu_kernels.h"
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
  kernels::cpu::PoolGrid pooled() const { return {h, w, channels, pool}; }

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
  ExitHeadExecutable(const Grid& grid, kernels::cpu::PooledLinear fc1,
                     kernels::cpu::PackedLinear fc2)
      : grid_(grid),
        fc1_(std::move(fc1)),
        fc2_(std::move(fc2)),
        rows_at_once_(rows_at_once(row_floats())) {}
  std::size_t scratch_bytes(const Capacity&) const override {
    return sizeof(float) * row_floats() * static_cast<std::size_t>(rows_at_once_);
  }
  // Between two rows they go out of the caches, and what reads them has little else to do.
  std::span<const std::byte> streamed_weights() const override { return fc1_.linear().weights(); }
  std::size_t weight_bytes() const override {
    return fc1_.linear().weight_bytes() + fc2_.weight_bytes();
  }
  void run(std::span<const float* const> inputs, float* output, const RowBatch& batch,
           std::byte* scratch, int threads) const override {
    float* features = reinterpret_cast<float*>(scratch);
    float* hidden = features + static_cast<std::size_t>(rows_at_once_) *
                                   static_cast<std::size_t>(grid_.features);
    const std::size_t elements = static_cast<std::size_t>(grid_.channels) * grid_.h * grid_.w;
    for (int first = 0; first < batch.rows; first += rows_at_once_) {
      const int count = std::min(rows_at_once_, batch.rows - first);
      if (grid_.of_tokens) {
        pool_tokens(grid_.tokens, inputs[0], grid_.hidden,
                    {count, batch.tokens, batch.offsets + first}, features, threads);
        fc1_.run_pooled(features, count, hidden, threads);
      } else {
        fc1_.run(inputs[0] + static_cast<std::size_t>(first) * elements, count, features, hidden,
                 threads);
      }
      fc2_.run(hidden, count, output + static_cast<std::size_t>(first) * fc2_.out_features(), false,
               threads);
    }
  }

 private:
  std::size_t row_floats() const {
    return static_cast<std::size_t>(grid_.features) + static_cast<std::size_t>(fc2_.in_features());
  }

  Grid grid_;
  kernels::cpu::PooledLinear fc1_;
  kernels::cpu::PackedLinear fc2_;
  int rows_at_once_;
};

class TapFeaturesExecutable : public Executable {
 public:
  explicit TapFeaturesExecutable(const Grid& grid) : grid_(grid) {}
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
        pool_tokens(grid_.tokens, inputs[0], grid_.hidden, {1, batch.tokens, batch.offsets + row},
                    pooled, threads);
      } else {
        kernels::cpu::adaptive_avg_pool(inputs[0] + static_cast<std::size_t>(row) * elements,
                                        grid_.h, grid_.w, grid_.channels, pooled, grid_.pool,
                                        grid_.pool, threads);
      }
      kernels::cpu::hwc_to_chw(pooled, grid_.channels, grid_.pool * grid_.pool,
                               output + static_cast<std::size_t>(row) * features);
    }
  }

 private:
  Grid grid_;
};

void require(const char* name, const Tensor& tensor, const Shape& expected) {
  if (tensor.shape() != expected) {
    throw Error(std::string("SideNet tensor ") + name + ": expected " + to_string(expected) +
                ", got " + to_string(tensor.shape()));
  }
}

}  // namespace

int effective_pool(const Shape& tap, int pool) {
  if (tap.size() != 3) return 1;
  return static_cast<int>(
      std::clamp<std::int64_t>(pool, 1, std::max<std::int64_t>(1, std::min(tap[1], tap[2]))));
}

ExitHead::ExitHead(SideNetTensors tensors, ExitPooling pooling)
    : tensors_(std::move(tensors)), pooling_(pooling) {
  if (tensors_.fc1_weight.rank() != 2 || tensors_.fc2_weight.rank() != 2)
    throw Error("SideNet: expected two-dimensional fc1.weight and fc2.weight");
  const std::int64_t hidden = tensors_.fc1_weight.dim(0), features = tensors_.fc1_weight.dim(1),
                     classes = tensors_.fc2_weight.dim(0);
  require("mean", tensors_.mean, {features});
  require("std", tensors_.std, {features});
  require("fc1.bias", tensors_.fc1_bias, {hidden});
  require("fc2.weight", tensors_.fc2_weight, {classes, hidden});
  require("fc2.bias", tensors_.fc2_bias, {classes});
  if (hidden < 1 || classes < 1)
    throw Error("SideNet: expected at least one hidden unit and one class, got " +
                std::to_string(hidden) + " and " + std::to_string(classes));
  const Tensor std = tensors_.std.to_f32();
  const float* values = std.data<float>();
  const auto bad =
      std::find_if(values, values + features, [](float value) { return !(value > 0); });
  if (bad != values + features)
    throw Error("SideNet tensor std: expected values above 0, got " + std::to_string(*bad) +
                " at " + std::to_string(bad - values));
}

Shape ExitHead::output_shape(std::span<const Shape> inputs) const {
  if (!is_tap(inputs[0]))
    throw Error("exit: expected a tap (C, H, W), (tokens, features) or (features), got " +
                to_string(inputs[0]));
  const Grid grid(inputs[0], pooling_);
  if (grid.features != tensors_.fc1_weight.dim(1)) {
    const std::string pooled = grid.of_tokens
                                   ? name_of(grid.tokens)
                                   : std::to_string(grid.pool) + " x " + std::to_string(grid.pool);
    throw Error("exit: the SideNet takes " + std::to_string(tensors_.fc1_weight.dim(1)) +
                " features, a tap " + to_string(inputs[0]) + " pooled to " + pooled + " gives " +
                std::to_string(grid.features));
  }
  return {tensors_.fc2_weight.dim(0)};
}

std::int64_t ExitHead::multiply_adds(std::span<const Shape>) const {
  return tensors_.fc1_weight.size() + tensors_.fc2_weight.size();
}

std::int64_t ExitHead::parameters() const {
  return tensors_.fc1_weight.size() + tensors_.fc1_bias.size() + tensors_.fc2_weight.size() +
         tensors_.fc2_bias.size() + 2 * tensors_.mean.size();
}

std::unique_ptr<Executable> ExitHead::prepare(std::span<const Shape> inputs,
                                              const PrepareOptions&) const {
  const Grid grid(inputs[0], pooling_);
  const Tensor mean = tensors_.mean.to_f32(), std = tensors_.std.to_f32(),
               w1 = tensors_.fc1_weight.to_f32(), b1 = tensors_.fc1_bias.to_f32(),
               w2 = tensors_.fc2_weight.to_f32(), b2 = tensors_.fc2_bias.to_f32();
  const auto features = static_cast<std::size_t>(grid.features),
             hidden = static_cast<std::size_t>(w1.dim(0));
  const int cells = grid.pool * grid.pool;
  // From (channel, y, x) order to the pooled (y, x, channel).
  std::vector<float> weight(hidden * features), means(features), scales(features);
  const auto reorder = [&](const float* from, float* to) {
    kernels::cpu::chw_to_hwc(from, grid.channels, cells, to);
  };
  for (std::size_t o = 0; o < hidden; ++o)
    reorder(w1.data<float>() + o * features, weight.data() + o * features);
  reorder(mean.data<float>(), means.data());
  reorder(std.data<float>(), scales.data());
  for (float& scale : scales) scale = 1 / scale;
  kernels::cpu::PackedLinear fc1(grid.features, checked_int(hidden, "exit: hidden units"),
                                 weight.data(), b1.data<float>());
  kernels::cpu::PackedLinear fc2(fc1.out_features(), checked_int(w2.dim(0), "exit: classes"),
                                 w2.data<float>(), b2.data<float>());
  tensors_.fc1_weight.release_pages();
  kernels::cpu::PooledLinear pooled(grid.pooled(), std::move(means), std::move(scales),
                                    std::move(fc1));
  return std::make_unique<ExitHeadExecutable>(grid, std::move(pooled), std::move(fc2));
}

Shape TapFeatures::output_shape(std::span<const Shape> inputs) const {
  if (!is_tap(inputs[0]))
    throw Error("tap: expected (C, H, W), (tokens, features) or (features), got " +
                to_string(inputs[0]));
  return {Grid(inputs[0], pooling_).features};
}

std::unique_ptr<Executable> TapFeatures::prepare(std::span<const Shape> inputs,
                                                 const PrepareOptions&) const {
  return std::make_unique<TapFeaturesExecutable>(Grid(inputs[0], pooling_));
}

}  // namespace sidenet::ops
