#include "winograd_product.h"

#include <utility>

#include "simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "winograd_product.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "winograd_product-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sidenet::kernels::cpu::HWY_NAMESPACE {
namespace {

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

template <int V, Prefetch kPrefetch, int... kRow>
HWY_INLINE ProductFunction product_of_rows(int rows, std::integer_sequence<int, kRow...>) {
  static constexpr ProductFunction kProducts[] = {winograd_product<kRow + 1, V, kPrefetch>...};
  return kProducts[rows - 1];
}

template <Prefetch kPrefetch>
HWY_INLINE ProductFunction product_function(std::size_t rows, std::size_t vectors) {
  const auto all = std::make_integer_sequence<int, kProductRows>();
  const int r = static_cast<int>(rows);
  return vectors == 1 ? product_of_rows<1, kPrefetch>(r, all)
                      : product_of_rows<kProductVectors, kPrefetch>(r, all);
}

}  // namespace

ProductFunction winograd_product_function(Prefetch prefetch, std::size_t rows,
                                          std::size_t vectors) {
  switch (prefetch) {
    case Prefetch::none: break;
    case Prefetch::next: return product_function<Prefetch::next>(rows, vectors);
    case Prefetch::next_and_coming:
      return product_function<Prefetch::next_and_coming>(rows, vectors);
  }
  return product_function<Prefetch::none>(rows, vectors);
}

}  // namespace sidenet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
