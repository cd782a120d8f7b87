#include "im2col_conv2d.h"

#include <omp.h>

#include <algorithm>

#include "im2col.h"
#include "packed_product.h"
#include "parallel_ranges.h"
#include "weight_memory.h"

namespace sidenet::kernels::cpu {
namespace {

// A tile's columns should stay in the second-level cache, but few pixels a tile would read the
// weights too often.
constexpr std::size_t kTileFloats = 64 * 1024, kMinTile = 64, kMaxTile = 256;

std::size_t tile_pixels(std::size_t pixels, std::size_t depth) {
  const std::size_t wanted =
      std::clamp(kTileFloats / std::max<std::size_t>(depth, 1), kMinTile, kMaxTile);
  return std::max<std::size_t>(std::min(wanted, pixels), 1);
}

std::size_t round_up_to_line(std::size_t floats) { return (floats + 15) / 16 * 16; }

}  // namespace

Im2colConv2d::Im2colConv2d(const Conv2dShape& shape, const float* weight, const float* bias,
                           const Conv2dPost& post)
    : shape_(shape),
      post_(post),
      group_in_(shape.in_channels / shape.groups),
      group_out_(shape.out_channels / shape.groups),
      depth_(group_in_ * shape.kernel_h * shape.kernel_w),
      padded_out_(padded_outputs(static_cast<int>(group_out_))),
      pixels_(std::size_t(shape.out_h) * shape.out_w),
      tile_(tile_pixels(pixels_, depth_)),
      pointwise_(is_pointwise(shape)),
      bias_(shape.groups * padded_out_) {
  const std::size_t tiles = (pixels_ + tile_ - 1) / tile_;
  const std::size_t threads = std::max({omp_get_max_threads(), omp_get_num_procs(), 1});
  slices_ = std::max<std::size_t>(std::min(tiles, threads), 1);
  slice_floats_ = pointwise_ ? 0 : round_up_to_line(tile_ * depth_);

  const std::size_t taps = std::size_t(shape.kernel_h) * shape.kernel_w;
  const std::vector<float> reordered =
      channels_last_weight(weight, shape.out_channels, group_in_, taps);
  packed_ = allocate_weights(bias_.size() * depth_);
  for (int g = 0; g < shape.groups; ++g) {
    const float* from = reordered.data() + g * group_out_ * depth_;
    pack_weight(from, static_cast<int>(depth_), static_cast<int>(group_out_),
                packed_.get() + g * padded_out_ * depth_);
    if (bias) std::copy_n(bias + g * group_out_, group_out_, bias_.begin() + g * padded_out_);
  }
}

std::size_t Im2colConv2d::weight_bytes() const {
  return bias_.size() * (depth_ + 1) * sizeof(float);
}

void Im2colConv2d::product(const float* src, std::size_t first, std::size_t pixels, float* columns,
                           float* dst, int threads) const {
  const ProductPost post{.accumulate = post_.residual, .relu = post_.relu};
  for (int g = 0; g < shape_.groups; ++g) {
    const float* x = src + first * shape_.in_channels + g * group_in_;
    std::size_t x_stride = shape_.in_channels;
    if (!pointwise_) {
      for_each_range(
          pixels, kElementGrain / depth_ + 1, threads, [&](std::size_t begin, std::size_t end) {
            gather_columns(shape_, src, g, first + begin, end - begin, columns + begin * depth_);
          });
      x = columns;
      x_stride = depth_;
    }
    const PackedWeight weight{packed_.get() + g * padded_out_ * depth_,
                              bias_.data() + g * padded_out_, static_cast<int>(depth_),
                              static_cast<int>(group_out_)};
    float* y = dst + first * shape_.out_channels + g * group_out_;
    packed_product(weight, x, x_stride, static_cast<int>(pixels), y, shape_.out_channels, post,
                   threads);
  }
}

// An output is the same sum however the pixels are tiled or shared out (packed_product.h), so the
// split may follow the threads: tiles to each where there are enough of them, else every tile by
// all threads together, which read the weights once.
void Im2colConv2d::run(const float* src, float* dst, std::byte* scratch, int threads,
                       std::span<const std::byte>) const {
  if (depth_ == 0 || pixels_ == 0) return;
  float* columns = reinterpret_cast<float*>(scratch);
  const std::size_t tiles = (pixels_ + tile_ - 1) / tile_;
  const std::size_t workers = std::min<std::size_t>(std::max(threads, 1), slices_);
  const bool tiles_apart =
      workers > 1 && tiles >= 2 * workers && static_cast<int>(workers) == threads;
  const auto run_tiles = [&](std::size_t begin, std::size_t end, float* slice, int inner_threads) {
    for (std::size_t t = begin; t < end; ++t) {
      product(src, t * tile_, std::min(tile_, pixels_ - t * tile_), slice, dst, inner_threads);
    }
  };
  if (!tiles_apart) return run_tiles(0, tiles, columns, threads);
  for_each_range(workers, 1, static_cast<int>(workers), [&](std::size_t begin, std::size_t end) {
    for (std::size_t w = begin; w < end; ++w) {
      run_tiles(tiles * w / workers, tiles * (w + 1) / workers, columns + w * slice_floats_, 1);
    }
  });
}

}  // namespace sidenet::kernels::cpu
