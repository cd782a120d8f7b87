// The register tiles of the direct convolution, for kernels that are compiled once for each
// instruction set.
#if defined(SIDENET_KERNELS_CPU_DIRECT_TILE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SIDENET_KERNELS_CPU_DIRECT_TILE_INL_H
#undef SIDENET_KERNELS_CPU_DIRECT_TILE_INL_H
#else
#define SIDENET_KERNELS_CPU_DIRECT_TILE_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <utility>

#include "direct_strip.h"
#include "gemm_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sidenet::kernels::cpu::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// A block of outputs is kNarrow vectors wide, a tile of it as many pixels high as the registers
// hold; or kWide vectors with tiles that are less than half as high, where few pixels lie in a row
// or where more would fight for places in the cache. Pixels come in groups of up to kGroup, each
// with its own place.
constexpr int kNarrow = kNarrowVectors, kWide = 4;
#if HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM_A64
constexpr int kHigh = 14, kLow = 6;
#elif HWY_TARGET <= HWY_AVX2
constexpr int kHigh = 6, kLow = 2;
#else
constexpr int kHigh = 4, kLow = 2;
#endif

constexpr int kUnrolled = 4;  // inputs
constexpr int kGroup = 7, kMostGroups = (kHigh + kGroup - 1) / kGroup;

constexpr int most_pixels(int vectors) { return vectors <= kNarrow ? kHigh : kLow; }

// Part of the sums of a tile's outputs.
struct DirectTile {
  const float* rows[kMostGroups][kMostKernel];  // the input rows under the kernel, from the one
                                                // that is first here
  float* y[kMostGroups];
  std::size_t kernel_rows, offset, inputs;  // of each row `inputs` from `offset` on
  std::size_t stride;                       // from one pixel's inputs to the next one's
  const float* weight;                      // (kernel_rows, inputs, V * kLanes)
  std::size_t channels;                     // from one pixel's outputs to the next one's
  const float* bias;
  bool first, last, residual, relu;
  DirectFetch *own, *coming;
};

// y = relu?((first ? bias + (residual ? y : 0) : y) + sum of inputs times weights): one chain of
// multiply-adds over all parts, in order, in a tile of any size.
template <int R, int V>
void direct_tile(const DirectTile& t) {
  const TileTag d;
  const std::size_t stride = t.stride, channels = t.channels;
  const auto output = [&](auto i) SIDENET_INLINE HWY_ATTR {
    return t.y[i / V / kGroup] + i / V % kGroup * channels + i % V * kLanes;
  };
  hn::Vec<TileTag> sum[R * V];
  if (!t.first) {
    for_each_index<R * V>([&](auto i) HWY_ATTR { sum[i] = hn::LoadU(d, output(i)); });
  } else {
    for_each_index<R * V>([&](auto i) HWY_ATTR { sum[i] = hn::LoadU(d, t.bias + i % V * kLanes); });
    if (t.residual)
      for_each_index<R * V>([&](auto i)
                                HWY_ATTR { sum[i] = hn::Add(hn::LoadU(d, output(i)), sum[i]); });
  }
  const float* weight = t.weight;
  const char *own = t.own->from, *coming = t.coming->from;
  const std::size_t own_step = t.own->step * kUnrolled, coming_step = t.coming->step * kUnrolled;
  constexpr int kGroups = (R + kGroup - 1) / kGroup;
  for (std::size_t row = 0; row < t.kernel_rows; ++row) {
    const float* x[kGroups];
    for_each_index<kGroups>([&](auto g) HWY_ATTR { x[g] = t.rows[g][row] + t.offset; });
    const auto step = [&](auto u) SIDENET_INLINE HWY_ATTR {
      hn::Vec<TileTag> w[V];
      for_each_index<V>([&](auto v)
                            HWY_ATTR { w[v] = hn::Load(d, weight + (u * V + v) * kLanes); });
      for_each_index<R>([&](auto r) HWY_ATTR {
        const auto value = hn::Set(d, x[r / kGroup][r % kGroup * stride + u]);
        for_each_index<V>(
            [&](auto v) HWY_ATTR { sum[r * V + v] = hn::MulAdd(value, w[v], sum[r * V + v]); });
      });
    };
    const auto advance = [&](auto inputs) SIDENET_INLINE HWY_ATTR {
      weight += inputs * V * kLanes;
      for_each_index<kGroups>([&](auto g) HWY_ATTR { x[g] += inputs; });
    };
    std::size_t left = t.inputs;
    for (; left >= kUnrolled; left -= kUnrolled) {
      __builtin_prefetch(own, 0, 2);
      __builtin_prefetch(own + 64, 0, 2);
      __builtin_prefetch(coming, 0, 2);
      own += own_step;
      coming += coming_step;
      for_each_index<kUnrolled>(step);
      advance(std::integral_constant<int, kUnrolled>());
    }
    for (; left > 0; --left) {
      step(std::integral_constant<int, 0>());
      advance(std::integral_constant<int, 1>());
    }
  }
  t.own->from = own;
  t.coming->from = coming;
  if (t.last && t.relu) {
    for_each_index<R * V>([&](auto i) HWY_ATTR {
      sum[i] = hn::IfThenZeroElse(hn::Lt(sum[i], hn::Zero(d)), sum[i]);  // NaN stays
    });
  }
  for_each_index<R * V>([&](auto i) HWY_ATTR { hn::StoreU(sum[i], d, output(i)); });
}

using DirectFunction = void (*)(const DirectTile&);

template <int V, int... kIndex>
HWY_INLINE DirectFunction direct_of_pixels(std::size_t pixels,
                                           std::integer_sequence<int, kIndex...>) {
  static constexpr DirectFunction kTiles[] = {direct_tile<kIndex + 1, V>...};
  return kTiles[pixels - 1];
}

// Of more than kNarrow vectors, or of fewer: each half of the tiles is compiled by itself.
template <bool kIsWide>
HWY_INLINE DirectFunction direct_function(std::size_t pixels, std::size_t vectors) {
  constexpr int kLess = kIsWide ? 3 : 1, kMore = kIsWide ? kWide : kNarrow;
  const auto all = std::make_integer_sequence < int, kIsWide ? kLow : kHigh > ();
  return vectors == kLess ? direct_of_pixels<kLess>(pixels, all)
                          : direct_of_pixels<kMore>(pixels, all);
}

// Outputs that the tile after this one reads or writes lie a pixel apart, where no hardware fetches
// ahead.
HWY_INLINE void fetch_pixels(const float* y, std::size_t pixels, std::size_t channels,
                             std::size_t width) {
  constexpr std::size_t kLine = 64 / sizeof(float);
  for (std::size_t p = 0; p < pixels; ++p) {
    for (std::size_t o = 0; o < width; o += kLine) __builtin_prefetch(y + p * channels + o, 1);
  }
}

// Two rows of outputs that fill a tile together.
bool in_pairs(std::size_t outputs, std::size_t vectors) {
  return outputs == kGroup && vectors <= kNarrow && kHigh == 2 * kGroup;
}

// One part of the sums, for all tiles of the strip. parts: of a line.
template <bool kIsWide>
void direct_part(const DirectStrip& s, DirectTile& tile, std::size_t kernel_row,
                 std::size_t parts) {
  const std::size_t width = s.vectors * kLanes, line_floats = s.outputs * s.channels;
  const bool pairs = in_pairs(s.outputs, s.vectors);
  const auto begin_of = [&](std::size_t part) { return s.outputs * part / parts; };
  for (std::size_t line = 0; line < s.lines;) {
    const std::size_t lines = pairs ? std::min<std::size_t>(s.lines - line, 2) : 1;
    const float* const* rows = s.rows + line * s.kernel_h + kernel_row;
    for (std::size_t part = 0; part < parts; ++part) {
      const std::size_t first = begin_of(part), count = begin_of(part + 1) - first;
      for (std::size_t g = 0; g < kMostGroups && (g < lines || g * kGroup < count); ++g) {
        const std::size_t pixel = lines > 1 ? 0 : first + g * kGroup;
        const float* const* from = rows + (lines > 1 ? g * s.kernel_h : 0);
        for (std::size_t i = 0; i < tile.kernel_rows; ++i)
          tile.rows[g][i] = from[i] + pixel * s.stride;
        tile.y[g] = s.y + (line + (lines > 1 ? g : 0)) * line_floats + pixel * s.channels;
      }
      if (tile.first) {
        const std::size_t next =
            part + 1 < parts ? begin_of(part + 2) - begin_of(part + 1) : begin_of(1) * lines;
        fetch_pixels(tile.y[0] + count * lines * s.channels, next, s.channels, width);
      }
      direct_function<kIsWide>(count * lines, s.vectors)(tile);
    }
    line += lines;
  }
}

// Weights that stay in the first-level cache while all tiles of a strip use them.
constexpr std::size_t kPartFloats = 6 * 1024;

template <bool kIsWide>
void direct_strip(const DirectStrip& s, DirectFetch& coming) {
  const std::size_t width = s.vectors * kLanes;
  const std::size_t pixels = most_pixels(static_cast<int>(s.vectors)),
                    parts = (s.outputs + pixels - 1) / pixels;
  const std::size_t tiles = parts * (in_pairs(s.outputs, s.vectors) ? (s.lines + 1) / 2 : s.lines),
                    most = kPartFloats / width;
  DirectFetch own{};
  DirectTile tile{};
  tile.stride = s.stride;
  tile.weight = s.weight;
  tile.channels = s.channels;
  tile.bias = s.bias;
  tile.residual = s.post.residual;
  tile.relu = s.post.relu;
  tile.own = &own;
  tile.coming = &coming;
  // A part is some rows of the kernel, or some of the inputs under one.
  const bool whole = tiles == 1 || s.kernel_h * s.run <= most;
  const std::size_t rows = whole ? s.kernel_h : std::max<std::size_t>(most / s.run, 1);
  const std::size_t cuts = whole || s.run <= most ? 1 : (s.run + most - 1) / most;
  for (std::size_t row = 0; row < s.kernel_h; row += rows) {
    for (std::size_t cut = 0; cut < cuts; ++cut) {
      tile.kernel_rows = std::min(rows, s.kernel_h - row);
      tile.offset = s.run * cut / cuts;
      tile.inputs = s.run * (cut + 1) / cuts - tile.offset;
      tile.first = row == 0 && cut == 0;
      tile.last = row + tile.kernel_rows == s.kernel_h && cut + 1 == cuts;
      const std::size_t floats = tile.kernel_rows * tile.inputs * width;
      const float* next = tile.weight + floats;
      own.from = reinterpret_cast<const char*>(next < s.weight_end ? next : tile.weight);
      own.step = next < s.weight_end ? (width * sizeof(float) + tiles - 1) / tiles : 0;
      direct_part<kIsWide>(s, tile, row, parts);
      tile.weight = next;
    }
  }
}

}  // namespace
}  // namespace sidenet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
