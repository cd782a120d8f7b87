// The matrix products of Winograd's convolution, for kernels that are compiled once for each
// instruction set.
#if defined(SIDENET_KERNELS_CPU_WINOGRAD_PRODUCT_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SIDENET_KERNELS_CPU_WINOGRAD_PRODUCT_INL_H
#undef SIDENET_KERNELS_CPU_WINOGRAD_PRODUCT_INL_H
#else
#define SIDENET_KERNELS_CPU_WINOGRAD_PRODUCT_INL_H
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <utility>

#include "gemm_tile-inl.h"
#include "winograd_panel.h"

HWY_BEFORE_NAMESPACE();
namespace sidenet::kernels::cpu::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// A block is two vectors of outputs wide and as many tiles high as the registers hold: there are
// few tiles in a panel, and gemm_tile's eight rows would often leave a remainder.
constexpr int kProductVectors = 2;
#if HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM_A64
constexpr int kProductRows = 14;
#elif HWY_TARGET <= HWY_AVX2
constexpr int kProductRows = 6;
#else
constexpr int kProductRows = 4;
#endif
constexpr std::size_t kBlock = kProductVectors * kLanes;

struct ProductArguments {
  const float*
      x;  // (R tiles, inputs in blocks of kInputBlock, all frequencies of the tile, kInputBlock)
  std::size_t x_tile_stride, x_block_stride;
  const float* weight;  // (frequencies, inputs, V * kLanes), aligned, with a stride
  std::size_t weight_frequency_stride;
  std::size_t inputs, frequencies;
  float* y;  // (R tiles, all frequencies of the tile, kBlock)
  std::size_t y_tile_stride;
  const char* prefetch;       // what is wanted next
  std::size_t prefetch_step;  // bytes of it for each input; 0: nothing is
  const std::byte* coming;    // what is wanted after all that: a line of it for each input
  bool accumulate;            // go on with the sums in y
};

// y = x weight at each frequency, or y + x weight. An output is one chain of multiply-adds over the
// inputs, in order, in a block of any size, and whether or not it is interrupted.
enum class Prefetch { none, next, next_and_coming };

template <int R, int V, Prefetch kPrefetch>
void winograd_product(const ProductArguments& p) {
  const TileTag d;
  const std::size_t stride = p.x_tile_stride;
  [[maybe_unused]] const char* prefetch = p.prefetch;
  [[maybe_unused]] const std::size_t step = p.prefetch_step;
  [[maybe_unused]] const std::byte* coming = p.coming;
  for (std::size_t f = 0; f < p.frequencies; ++f) {
    float* y = p.y + f * kBlock;
    const std::size_t y_stride = p.y_tile_stride;
    hn::Vec<TileTag> sum[R * V];
    if (p.accumulate) {
      for_each_index<R * V>(
          [&](auto i) HWY_ATTR { sum[i] = hn::Load(d, y + i / V * y_stride + i % V * kLanes); });
    } else {
      for_each_index<R * V>([&](auto i) HWY_ATTR { sum[i] = hn::Zero(d); });
    }
    const float* weight = p.weight + f * p.weight_frequency_stride;
    const float* block = p.x + f * kInputBlock;
    for (std::size_t left = p.inputs; left > 0; block += p.x_block_stride) {
      const std::size_t count = left < kInputBlock ? left : kInputBlock;
      left -= count;
      for (const float *x = block, *end = block + count; x != end; ++x) {
        if constexpr (kPrefetch != Prefetch::none) {
          for_each_index<V>([&](auto v) HWY_ATTR { __builtin_prefetch(prefetch + v * 64, 0, 2); });
          prefetch += step;
        }
        if constexpr (kPrefetch == Prefetch::next_and_coming) {
          __builtin_prefetch(coming, 0, 2);
          coming += kLineFloats * sizeof(float);
        }
        hn::Vec<TileTag> w[V];
        for_each_index<V>([&](auto v) HWY_ATTR { w[v] = hn::Load(d, weight + v * kLanes); });
        weight += V * kLanes;
        for_each_index<R>([&](auto r) HWY_ATTR {
          const auto value = hn::Set(d, x[r * stride]);
          for_each_index<V>(
              [&](auto v) HWY_ATTR { sum[r * V + v] = hn::MulAdd(value, w[v], sum[r * V + v]); });
        });
      }
    }
    for_each_index<R * V>(
        [&](auto i) HWY_ATTR { hn::Store(sum[i], d, y + i / V * y_stride + i % V * kLanes); });
  }
}

using ProductFunction = void (*)(const ProductArguments&);

template <int V, Prefetch kPrefetch, int... kRow>
HWY_INLINE ProductFunction product_of_rows(int rows, std::integer_sequence<int, kRow...>) {
  static constexpr ProductFunction kProducts[] = {winograd_product<kRow + 1, V, kPrefetch>...};
  return kProducts[rows - 1];
}

/// The product of `rows` tiles (1 … kProductRows) and `vectors` vectors (1 or 2) of outputs.
template <Prefetch kPrefetch>
HWY_INLINE ProductFunction product_function(std::size_t rows, std::size_t vectors) {
  const auto all = std::make_integer_sequence<int, kProductRows>();
  const int r = static_cast<int>(rows);
  return vectors == 1 ? product_of_rows<1, kPrefetch>(r, all)
                      : product_of_rows<kProductVectors, kPrefetch>(r, all);
}

}  // namespace
}  // namespace sidenet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
