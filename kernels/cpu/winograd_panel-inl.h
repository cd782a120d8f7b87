// Winograd's convolution of some tiles, for kernels that are compiled once for each instruction
// set.
#if defined(SIDENET_KERNELS_CPU_WINOGRAD_PANEL_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SIDENET_KERNELS_CPU_WINOGRAD_PANEL_INL_H
#undef SIDENET_KERNELS_CPU_WINOGRAD_PANEL_INL_H
#else
#define SIDENET_KERNELS_CPU_WINOGRAD_PANEL_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>

#include "winograd_panel.h"
#include "winograd_product-inl.h"
#include "winograd_transform-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sidenet::kernels::cpu::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// body(d, channel) for vectors of channels, and one by one for those that do not fill a vector.
template <class Body>
HWY_INLINE void for_channels(std::size_t channels, const Body& body) {
  std::size_t c = 0;
  for (; c + kLanes <= channels; c += kLanes) body(TileTag(), c);
  for (; c < channels; ++c) body(hn::CappedTag<float, 1>(), c);
}

// The inputs of one tile.
template <class Tile>
void input_tile(const WinogradProblem& w, const float* src, std::size_t tile, float* to) {
  constexpr int kSide = Tile::kSide, kBlockFloats = kSide * kSide * kInputBlock;
  const Conv2dShape& s = w.shape;
  const std::ptrdiff_t channels = s.in_channels, row = channels * s.in_w;
  const int top = static_cast<int>(tile / w.tiles_x) * Tile::kTile - s.pad_h;
  const int left = static_cast<int>(tile % w.tiles_x) * Tile::kTile - s.pad_w;
  const float* rows[kSide];
  for (int y = 0; y < kSide; ++y) {
    const bool inside = top + y >= 0 && top + y < s.in_h;
    rows[y] = inside ? src + (top + y) * row + left * channels : w.zeros;
  }
  const int begin = -left, end = s.in_w - left;  // columns inside the image
  for_channels(s.in_channels, [&](auto d, std::size_t c) HWY_ATTR {
    float* block = to + c / kInputBlock * kBlockFloats + c % kInputBlock;
    transform_input<Tile>(
        d, [&](int x) HWY_ATTR { return x >= begin && x < end; },
        [&](int y, int x) HWY_ATTR { return hn::LoadU(d, rows[y] + (x * channels + c)); },
        [&](int frequency, auto value)
            HWY_ATTR { hn::Store(value, d, block + frequency * kInputBlock); });
  });
}

// The outputs first … first + count - 1 of one tile.
template <class Tile, bool kResidual, bool kRelu>
void output_tile(const WinogradProblem& w, const float* y, std::size_t tile, std::size_t first,
                 std::size_t count, float* dst) {
  const Conv2dShape& s = w.shape;
  const std::size_t channels = s.out_channels, row = channels * s.out_w;
  const int top = static_cast<int>(tile / w.tiles_x) * Tile::kTile,
            left = static_cast<int>(tile % w.tiles_x) * Tile::kTile;
  const int rows = s.out_h - top, columns = s.out_w - left;  // as many or more lie inside the image
  float* corner = dst + top * row + left * channels + first;
  const float* bias = w.bias + first;
  for_channels(count, [&](auto d, std::size_t c) HWY_ATTR {
    const auto shift = hn::LoadU(d, bias + c);
    transform_output<Tile>(
        d, [&](int frequency) HWY_ATTR { return hn::Load(d, y + frequency * kBlock + c); },
        [&](int i, int j, auto value) HWY_ATTR {
          if (i >= rows || j >= columns) return;
          float* to = corner + i * row + j * channels + c;
          value = hn::Add(value, shift);
          if constexpr (kResidual) value = hn::Add(value, hn::LoadU(d, to));
          if constexpr (kRelu)
            value = hn::IfThenZeroElse(hn::Lt(value, hn::Zero(d)), value);  // NaN stays
          hn::StoreU(value, d, to);
        });
  });
}

template <class Tile>
void output_tiles(const WinogradProblem& w, const WinogradPanel& panel, std::size_t first,
                  std::size_t count, float* dst) {
  constexpr auto kNone = output_tile<Tile, false, false>, kRelu = output_tile<Tile, false, true>;
  constexpr auto kResidual = output_tile<Tile, true, false>, kBoth = output_tile<Tile, true, true>;
  const auto function =
      w.post.residual ? (w.post.relu ? kBoth : kResidual) : (w.post.relu ? kRelu : kNone);
  for (std::size_t t = 0; t < panel.tiles; ++t) {
    function(w, panel.y + t * w.y_tile_stride, panel.first + t, first, count, dst);
  }
}

// Products of `inputs` inputs from `p.x` on at all frequencies. p.weight: (frequencies, inputs,
// width).
template <class Tile>
void multiply(WinogradPanel& panel, std::size_t vectors, ProductArguments p) {
  constexpr std::size_t kFrequencies = Tile::kSide * Tile::kSide;
  const std::size_t parts = (panel.tiles + kProductRows - 1) / kProductRows,
                    step = parts == 1 ? kFrequencies : 1;
  const float *x = p.x, *weight = p.weight;
  p.frequencies = step;
  p.prefetch_step = (p.prefetch_step + parts - 1) / parts;
  for (std::size_t f = 0; f < kFrequencies; f += step) {
    p.weight = weight + f * p.weight_frequency_stride;
    for (std::size_t part = 0; part < parts; ++part) {
      const std::size_t row = panel.tiles * part / parts,
                        rows = panel.tiles * (part + 1) / parts - row;
      p.x = x + row * p.x_tile_stride + f * kInputBlock;
      p.y = panel.y + row * p.y_tile_stride + f * kBlock;
      if (p.prefetch_step == 0) {
        winograd_product_function(Prefetch::none, rows, vectors)(p);
      } else if (panel.coming.empty()) {
        winograd_product_function(Prefetch::next, rows, vectors)(p);
      } else {
        p.coming = panel.coming.data();
        winograd_product_function(Prefetch::next_and_coming, rows, vectors)(p);
        panel.coming = panel.coming.subspan(
            std::min(panel.coming.size(), p.inputs * step * kLineFloats * sizeof(float)));
      }
      p.prefetch += p.prefetch_step * p.inputs * step;
    }
  }
}

// plain: (inputs, 9, width); transformed: (frequencies, inputs, width).
template <class Tile>
void transform_weights(const float* plain, std::size_t inputs, std::size_t width,
                       std::size_t stride, float* transformed) {
  const TileTag d;
  for (std::size_t i = 0; i < inputs; ++i) {
    for (std::size_t o = 0; o < width; o += kLanes) {
      const float* from = plain + i * 9 * width + o;
      float* to = transformed + i * width + o;
      transform_weight<Tile>(
          d, [&](int tap) HWY_ATTR { return hn::Load(d, from + tap * width); },
          [&](int frequency, auto value)
              HWY_ATTR { hn::Store(value, d, to + frequency * stride); });
    }
  }
}

// Outputs of the panel in the blocks begin … end - 1.
template <class Tile>
void run_panel(const WinogradProblem& w, const float* src, WinogradPanel& panel, std::size_t begin,
               std::size_t end, float* dst) {
  constexpr std::size_t kFrequencies = Tile::kSide * Tile::kSide;
  constexpr std::size_t kAhead = 16 * 1024;
  const std::size_t outputs = w.shape.out_channels, inputs = w.shape.in_channels;
  for (std::size_t t = 0; t < panel.tiles; ++t) {
    input_tile<Tile>(w, src, panel.first + t, panel.x + t * w.x_tile_stride);
  }
  for (std::size_t block = begin; block < end; ++block) {
    const std::size_t first = block * kBlock, count = std::min(kBlock, outputs - first);
    const std::size_t vectors = (count + kLanes - 1) / kLanes, width = vectors * kLanes;
    const float* weight = w.packed + (w.plain ? 9 : kFrequencies) * inputs * first;
    ProductArguments p{};
    p.x_tile_stride = w.x_tile_stride;
    p.x_block_stride = kFrequencies * kInputBlock;
    p.y_tile_stride = w.y_tile_stride;
    for (std::size_t i = 0, chunk = w.plain ? kInputBlock : inputs; i < inputs; i += chunk) {
      p.inputs = std::min(chunk, inputs - i);
      p.accumulate = i > 0;
      p.x = panel.x + i / kInputBlock * p.x_block_stride;
      if (w.plain) {
        p.weight = panel.weight;
        p.weight_frequency_stride = kInputBlock * kBlock + kLineFloats;
        transform_weights<Tile>(weight, p.inputs, width, p.weight_frequency_stride, panel.weight);
        weight += p.inputs * 9 * width;
        p.prefetch = reinterpret_cast<const char*>(weight);  // the next block
        p.prefetch_step = (9 * width * sizeof(float) + kFrequencies - 1) / kFrequencies;
      } else {
        p.weight = weight;
        p.weight_frequency_stride = inputs * width;
        p.prefetch = reinterpret_cast<const char*>(weight) +
                     std::max(inputs * width * sizeof(float), kAhead);
        p.prefetch_step = w.fetches ? width * sizeof(float) : 0;
      }
      multiply<Tile>(panel, vectors, p);
    }
    output_tiles<Tile>(w, panel, first, count, dst);
  }
}

}  // namespace
}  // namespace sidenet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
