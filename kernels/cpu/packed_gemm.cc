#include "packed_gemm.h"

#include <algorithm>
#include <array>

#include "parallel_ranges.h"
#include "secret_digest.h"
#include "simd_targets.h"
#include "weight_memory.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "packed_gemm.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "activation-inl.h"
#include "gemm_tile-inl.h"

#ifndef SIDENET_KERNELS_CPU_PACKED_GEMM_CC
#define SIDENET_KERNELS_CPU_PACKED_GEMM_CC
namespace sidenet::kernels::cpu {
namespace {

struct Product {
  const float* packed;  // panels of outputs, each (in_features, width), one behind the other
  const float* bias;    // padded to whole vectors
  std::size_t in_features, out_features;
  const float* x;
  std::size_t rows;
  float* y;
  Activation activation;
  const float* residual;
  std::size_t groups;  // of rows
};

constexpr std::size_t kGroupRows =
    128;  // at most; a chunk of their inputs stays in the second-level cache
constexpr std::size_t kChunk = 768;  // inputs summed in one chain, at most

/// Inputs in a chunk, all but the last: equal shares.
std::size_t chunk_inputs(std::size_t in_features) {
  const std::size_t chunks = std::max<std::size_t>((in_features + kChunk - 1) / kChunk, 1);
  return std::max<std::size_t>((in_features + chunks - 1) / chunks, 1);
}

}  // namespace
}  // namespace sidenet::kernels::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace sidenet::kernels::cpu::HWY_NAMESPACE {
namespace {

// y = activation(sum) + residual. sum: (rows, width), kTileWidth apart; y, residual: stride apart.
template <Activation kActivation>
void finish_tile(const float* sum, std::size_t rows, std::size_t width, const float* residual,
                 float* y, std::size_t stride) {
  for (std::size_t r = 0; r < rows; ++r, sum += kTileWidth, y += stride) {
    const auto finish = [&](auto d, std::size_t o) HWY_ATTR {
      auto value = activate<kActivation>(d, hn::LoadU(d, sum + o));
      if (residual) value = hn::Add(value, hn::LoadU(d, residual + r * stride + o));
      hn::StoreU(value, d, y + o);
    };
    std::size_t o = 0;
    for (; o + kLanes <= width; o += kLanes) finish(TileTag(), o);
    for (; o < width; ++o) finish(hn::CappedTag<float, 1>(), o);
  }
}

// What the tile will write and add lies a row apart, where no hardware fetches ahead; 4 % on many
// rows.
HWY_INLINE void fetch_outputs(const float* y, const float* residual, std::size_t rows,
                              std::size_t width, std::size_t stride) {
  constexpr std::size_t kLine = 64 / sizeof(float);
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t o = 0; o < width; o += kLine) {
      __builtin_prefetch(y + r * stride + o, 1);
      if (residual) __builtin_prefetch(residual + r * stride + o);
    }
  }
}

using FinishFunction = void (*)(const float*, std::size_t, std::size_t, const float*, float*,
                                std::size_t);

// One panel of outputs for the rows first … last - 1; the weights behind it up to `weight_end` are
// wanted next.
void panel_product(const Product& p, std::size_t panel, std::size_t first, std::size_t last,
                   const float* weight_end) {
  alignas(64) float partial[kGroupRows * kTileWidth];
  alignas(64) float sum[kTileRows * kTileWidth];
  const std::size_t output = panel * kTileWidth,
                    width = std::min(kTileWidth, p.out_features - output);
  const std::size_t vectors = (width + kLanes - 1) / kLanes, chunk = chunk_inputs(p.in_features);
  const std::size_t rows = last - first, tiles = (rows + kTileRows - 1) / kTileRows;
  const bool direct = p.activation == Activation::none && !p.residual && width == vectors * kLanes;
  const FinishFunction finish = with_activation(
      p.activation, [](auto kind) -> FinishFunction { return finish_tile<kind.value>; });
  for (std::size_t begin = 0; begin == 0 || begin < p.in_features; begin += chunk) {
    const std::size_t inputs = std::min(chunk, p.in_features - begin);
    const bool at_end = begin + inputs == p.in_features;
    TileArguments tile{};
    tile.x_stride = p.in_features;
    tile.weight = p.packed + output * p.in_features + begin * vectors * kLanes;
    tile.inputs = inputs;
    // Each tile fetches its share of as many weights as it reads, unless there is one only: then
    // the hardware's own prefetching of the stream is the faster (by a quarter at one row, measured
    // on Zen 4).
    const float* next = tile.weight + inputs * vectors * kLanes;
    const std::size_t next_bytes =
        std::min<std::size_t>(weight_end - next, inputs * vectors * kLanes) * sizeof(float);
    tile.prefetch_step = (next_bytes + tiles * inputs - 1) / (tiles * inputs);
    tile.prefetch_lines = tiles == 1 ? 0 : (tile.prefetch_step + 63) / 64;
    tile.prefetch = reinterpret_cast<const char*>(next);
    for (std::size_t t = 0; t < tiles; ++t) {
      const std::size_t row = rows * t / tiles, height = rows * (t + 1) / tiles - row;
      const std::size_t at = (first + row) * p.out_features + output;
      float* y = p.y + at;
      const float* residual = p.residual ? p.residual + at : nullptr;
      tile.x = p.x + (first + row) * p.in_features + begin;
      tile.start = begin == 0 ? p.bias + output : partial + row * kTileWidth;
      tile.start_stride = begin == 0 ? 0 : kTileWidth;
      tile.out = !at_end ? partial + row * kTileWidth : direct ? y : sum;
      tile.out_stride = at_end && direct ? p.out_features : kTileWidth;
      if (at_end) fetch_outputs(y, residual, height, width, p.out_features);
      tile_function(static_cast<int>(height), static_cast<int>(vectors))(tile);
      tile.prefetch += tile.prefetch_step * inputs;
      if (at_end && !direct) finish(sum, height, width, residual, y, p.out_features);
    }
  }
}

std::size_t lanes() { return kLanes; }
std::size_t panel_width() { return kTileWidth; }

// The items begin … end - 1 of groups x panels.
void product_items(const Product& p, std::size_t begin, std::size_t end) {
  const std::size_t panels = (p.out_features + kTileWidth - 1) / kTileWidth;
  for (std::size_t item = begin; item < end; ++item) {
    const std::size_t group = item / panels, panel = item % panels;
    const std::size_t panel_end =
        std::min(panels, panel + (end - item));  // this thread's in this group
    const std::size_t outputs =
        std::min(panel_end * kTileWidth, (p.out_features + kLanes - 1) / kLanes * kLanes);
    panel_product(p, panel, p.rows * group / p.groups, p.rows * (group + 1) / p.groups,
                  p.packed + outputs * p.in_features);
  }
}

}  // namespace
}  // namespace sidenet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sidenet::kernels::cpu {
namespace {
HWY_EXPORT(lanes);
HWY_EXPORT(panel_width);
HWY_EXPORT(product_items);

/// Copies `count` rows of weight (count, inputs) into a panel (inputs, width), from its column
/// `column` on.
void pack_columns(const float* weight, std::size_t count, std::size_t inputs, std::size_t width,
                  std::size_t column, float* panel) {
  constexpr std::size_t kStrip =
      64;  // inputs: their part of the panel stays in the first-level cache
  for (std::size_t begin = 0; begin < inputs; begin += kStrip) {
    const std::size_t end = std::min(inputs, begin + kStrip);
    for (std::size_t o = 0; o < count; ++o) {
      for (std::size_t i = begin; i < end; ++i)
        panel[i * width + column + o] = weight[o * inputs + i];
    }
  }
}

}  // namespace

PackedGemm::PackedGemm(int in_features, int out_features, const float* weight, const float* bias)
    : PackedGemm(in_features, std::array{LinearWeights{weight, bias, out_features}}) {}

PackedGemm::PackedGemm(int in_features, std::span<const LinearWeights> parts)
    : in_features_(in_features), out_features_(0) {
  for (const LinearWeights& part : parts) out_features_ += part.out_features;
  const std::size_t vector = HWY_DYNAMIC_DISPATCH(lanes)(),
                    panel = HWY_DYNAMIC_DISPATCH(panel_width)();
  const std::size_t inputs = in_features,
                    padded =
                        (static_cast<std::size_t>(out_features_) + vector - 1) / vector * vector;
  bias_.resize(padded);
  WeightMemory memory = cached_or_new_weights(padded * inputs, [&](SecretDigest& digest) {
    digest.add("gemm").add(inputs).add(vector).add(panel);
    for (const LinearWeights& part : parts)
      add_floats(digest, part.weight, part.out_features * inputs);
  });
  packed_ = std::move(memory.data);
  std::size_t output = 0;
  for (const LinearWeights& part : parts) {
    if (part.bias) std::copy_n(part.bias, part.out_features, bias_.begin() + output);
    for (std::size_t o = 0, end = part.out_features; o < end;) {
      const std::size_t first = output / panel * panel, width = std::min(panel, padded - first),
                        column = output - first;
      const std::size_t count = std::min(width - column, end - o);
      if (!memory.filled)
        pack_columns(part.weight + o * inputs, count, inputs, width, column,
                     packed_.get() + first * inputs);
      o += count, output += count;
    }
  }
  if (output < padded && !memory.filled) {
    const std::size_t first = output / panel * panel, width = padded - first;
    for (std::size_t i = 0; i < inputs; ++i) {
      std::fill_n(packed_.get() + first * inputs + i * width + output - first, padded - output,
                  0.0f);
    }
  }
}

std::size_t PackedGemm::weight_bytes() const {
  return bias_.size() * (std::size_t(in_features_) + 1) * sizeof(float);
}

void PackedGemm::run(const float* x, int rows, float* y, Activation activation,
                     const float* residual, int threads) const {
  if (rows <= 0 || out_features_ <= 0) return;
  Product p{};
  p.packed = packed_.get();
  p.bias = bias_.data();
  p.in_features = in_features_;
  p.out_features = out_features_;
  p.x = x;
  p.rows = rows;
  p.y = y;
  p.activation = activation;
  p.residual = residual;
  const std::size_t width = HWY_DYNAMIC_DISPATCH(panel_width)(),
                    panels = (p.out_features + width - 1) / width;
  const std::size_t work = p.rows * p.out_features * p.in_features;
  const std::size_t used = threads_worth(work, threads);
  // Where there are few panels the rows are cut too, so that the threads get even shares.
  const std::size_t wanted = used == 1 ? 1 : (4 * used + panels - 1) / panels;
  p.groups = std::max((p.rows + kGroupRows - 1) / kGroupRows, std::min(wanted, (p.rows + 7) / 8));
  for_each_range(p.groups * panels, 1, static_cast<int>(used),
                 [&](std::size_t begin, std::size_t end) {
                   HWY_DYNAMIC_DISPATCH(product_items)(p, begin, end);
                 });
}

}  // namespace sidenet::kernels::cpu
#endif
