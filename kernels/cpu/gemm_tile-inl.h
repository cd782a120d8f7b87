// The register tile behind PackedGemm and self_attention, for kernels that are compiled once for
// each instruction set.
#if defined(SIDENET_KERNELS_CPU_GEMM_TILE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SIDENET_KERNELS_CPU_GEMM_TILE_INL_H
#undef SIDENET_KERNELS_CPU_GEMM_TILE_INL_H
#else
#define SIDENET_KERNELS_CPU_GEMM_TILE_INL_H
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <iterator>
#include <utility>

HWY_BEFORE_NAMESPACE();
namespace sidenet::kernels::cpu::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using TileTag = hn::ScalableTag<float>;
constexpr std::size_t kLanes = hn::MaxLanes(TileTag());
// At most kTileRows rows by kTileVectors vectors of outputs: as many accumulators as leave
// registers for one row of weights and a broadcast value.
#if HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM_A64
constexpr int kTileRows = 8, kTileVectors = 3;
#elif HWY_TARGET <= HWY_AVX2
constexpr int kTileRows = 6, kTileVectors = 2;
#else
constexpr int kTileRows = 4, kTileVectors = 2;
#endif
constexpr std::size_t kTileWidth = kTileVectors * kLanes;

struct TileArguments {
  const float* x;  // R rows, x_stride apart
  std::size_t x_stride;
  const float* weight;  // (inputs, V * kLanes), aligned
  std::size_t inputs;
  const float* start;  // R rows, start_stride apart, or null for zeros
  std::size_t start_stride;
  float* out;  // R rows, out_stride apart
  std::size_t out_stride;
  const char* prefetch;        // what will be needed next
  std::size_t prefetch_step;   // bytes of it for each input
  std::size_t prefetch_lines;  // of 64 bytes, that cover as much
};

// A lambda that is called in several places is else a function, and what it captures goes through
// memory.
#ifndef SIDENET_INLINE
#define SIDENET_INLINE __attribute__((always_inline))
#endif

// body(std::integral_constant<int, i>()) for i = 0 … N - 1, written out: an array that is only ever
// indexed by constants is a set of registers to the compiler, one indexed in a loop goes through
// the stack.
template <class Body, int... kIndex>
HWY_INLINE void for_each_index(std::integer_sequence<int, kIndex...>, const Body& body) {
  (body(std::integral_constant<int, kIndex>()), ...);
}
template <int N, class Body>
HWY_INLINE void for_each_index(const Body& body) {
  for_each_index(std::make_integer_sequence<int, N>(), body);
}

// out[r] = start[r] + sum over inputs of x[r][i] * weight[i], one chain of multiply-adds from zero,
// in order. Each output is thus the same sum in a tile of any size.
template <int R, int V>
void gemm_tile(const TileArguments& tile) {
  const TileTag d;
  hn::Vec<TileTag> sum[R * V];
  for_each_index<R * V>([&](auto i) HWY_ATTR { sum[i] = hn::Zero(d); });
  const float* x = tile.x;
  const float* weight = tile.weight;
  const std::size_t x_stride = tile.x_stride;
  const char* prefetch = tile.prefetch;
  const std::size_t prefetch_step = tile.prefetch_step, lines = tile.prefetch_lines;
  // Not unrolled: R * V multiply-adds hide the loop, and more at once would not fit the registers.
  for (const float* end = x + tile.inputs; x != end; ++x) {
    for (std::size_t line = 0; line < lines; ++line) __builtin_prefetch(prefetch + line * 64, 0, 2);
    prefetch += prefetch_step;
    hn::Vec<TileTag> w[V];
    for_each_index<V>([&](auto v) HWY_ATTR { w[v] = hn::Load(d, weight + v * kLanes); });
    weight += V * kLanes;
    for_each_index<R>([&](auto r) HWY_ATTR {
      const auto value = hn::Set(d, x[r * x_stride]);
      for_each_index<V>([&](auto v)
                            HWY_ATTR { sum[r * V + v] = hn::MulAdd(value, w[v], sum[r * V + v]); });
    });
  }
  if (const float* start = tile.start) {
    const std::size_t stride = tile.start_stride;
    for_each_index<R * V>([&](auto i) HWY_ATTR {
      sum[i] = hn::Add(hn::LoadU(d, start + i / V * stride + i % V * kLanes), sum[i]);
    });
  }
  float* out = tile.out;
  const std::size_t stride = tile.out_stride;
  for_each_index<R * V>(
      [&](auto i) HWY_ATTR { hn::StoreU(sum[i], d, out + i / V * stride + i % V * kLanes); });
}

using TileFunction = void (*)(const TileArguments&);

template <int V>
HWY_INLINE TileFunction tile_of_rows(int rows) {
  static constexpr TileFunction kTiles[] = {
    gemm_tile<1, V>,
    gemm_tile<2, V>,
    gemm_tile<3, V>,
    gemm_tile<4, V>,
#if HWY_TARGET <= HWY_AVX2 || HWY_ARCH_ARM_A64
    gemm_tile<5, V>,
    gemm_tile<6, V>,
#endif
#if HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM_A64
    gemm_tile<7, V>,
    gemm_tile<8, V>,
#endif
  };
  static_assert(std::size(kTiles) == kTileRows);
  return kTiles[rows - 1];
}

/// The tile of `rows` rows (1 … kTileRows) by `vectors` vectors (1 … kTileVectors).
HWY_INLINE TileFunction tile_function(int rows, int vectors) {
  if (vectors == 1) return tile_of_rows<1>(rows);
  if (vectors == 2) return tile_of_rows<2>(rows);
  return tile_of_rows<kTileVectors>(rows);
}

}  // namespace
}  // namespace sidenet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
