#include "packed_product.h"

#include <algorithm>
#include <bit>
#include <cstdint>

#include "parallel_ranges.h"
#include "simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "packed_product.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace sidenet::kernels::cpu::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::ScalableTag<float>;
constexpr std::size_t kLanes = hn::MaxLanes(Tag());
// The register tile is kTileRows rows by up to kTileVectors vectors of outputs: 16 accumulators
// where there are 32 vector registers, 8 where there are 16. Fewer rows or vectors leave room for
// several chains at once.
#if HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM_A64
constexpr int kTileRows = 4, kTileVectors = 4, kMostAccumulators = 24;
#else
constexpr int kTileRows = 4, kTileVectors = 2, kMostAccumulators = 12;
#endif
constexpr int kAccumulators = kTileRows * kTileVectors;
// Rows of a taller tile, with one chain and every register, for the many rows of a batch.
template <int V>
constexpr int kTallRows = std::min(kMostAccumulators / V, 12);
constexpr std::size_t kBlock = kTileVectors * kLanes;
constexpr int kChains = 4;  // a chunk's quarters
constexpr std::size_t kChunk =
    1024;  // inputs: a quarter of a block's weights (64 KiB) stays in the second-level cache
constexpr int kPanelRows = 32;  // rows that pass over a quarter before the next one is touched

// W, the weights' type: float, or std::uint16_t for the upper halves of floats whose lower halves
// are zero (bfloat16).
template <class W>
struct Tile {
  const float* x;
  std::size_t x_stride;
  const W* weight;  // the block's, at the chunk's first input
  float* total;     // (rows, kBlock)
};

HWY_INLINE hn::Vec<Tag> load_weights(Tag d, const float* from) { return hn::Load(d, from); }
HWY_INLINE hn::Vec<Tag> load_weights(Tag d, const std::uint16_t* from) {
  const hn::RebindToUnsigned<Tag> words;
  const hn::Rebind<std::uint16_t, Tag> halves;
  return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(words, hn::Load(halves, from))));
}

// total[r] += chain c for c = first … first + C - 1; each chain is the sum over `length` inputs, in
// order.
template <int R, int V, int C, class W>
HWY_INLINE void add_chains(const Tile<W>& tile, std::size_t first, std::size_t length) {
  const Tag d;
  hn::Vec<Tag> sum[C][R][V];
  for (int c = 0; c < C; ++c) {
    for (int r = 0; r < R; ++r) {
      for (int v = 0; v < V; ++v) sum[c][r][v] = hn::Zero(d);
    }
  }
  const float* x = tile.x + first * length;
  const W* weight = tile.weight + first * length * V * kLanes;
  for (std::size_t i = 0; i < length; ++i) {
    for (int c = 0; c < C; ++c) {
      hn::Vec<Tag> w[V];
      for (int v = 0; v < V; ++v)
        w[v] = load_weights(d, weight + (c * length * V + i * V + v) * kLanes);
      for (int r = 0; r < R; ++r) {
        const auto value = hn::Set(d, x[r * tile.x_stride + c * length + i]);
        for (int v = 0; v < V; ++v) sum[c][r][v] = hn::MulAdd(value, w[v], sum[c][r][v]);
      }
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int v = 0; v < V; ++v) {
      float* total = tile.total + r * kBlock + v * kLanes;
      auto value = hn::Load(d, total);
      for (int c = 0; c < C; ++c) value = hn::Add(value, sum[c][r][v]);
      hn::Store(value, d, total);
    }
  }
}

// total[r] += inputs first … end - 1, one by one.
template <int R, int V, class W>
HWY_INLINE void add_rest(const Tile<W>& tile, std::size_t first, std::size_t end) {
  const Tag d;
  for (std::size_t i = first; i < end; ++i) {
    for (int r = 0; r < R; ++r) {
      const auto value = hn::Set(d, tile.x[r * tile.x_stride + i]);
      for (int v = 0; v < V; ++v) {
        float* total = tile.total + r * kBlock + v * kLanes;
        hn::Store(hn::MulAdd(value, load_weights(d, tile.weight + (i * V + v) * kLanes),
                             hn::Load(d, total)),
                  d, total);
      }
    }
  }
}

// Chains that a tile of R x V runs side by side; the result is the same for any number.
template <int R, int V>
constexpr int chains_at_once() {
  return 4 * R * V <= kAccumulators ? 4 : 2 * R * V <= kAccumulators ? 2 : 1;
}

template <int R, int V, class W>
HWY_INLINE void add_chunk(const Tile<W>& tile, std::size_t inputs) {
  const std::size_t length = inputs / kChains;
  constexpr int C = chains_at_once<R, V>();
  if (length > 0) {
    for (int c = 0; c < kChains; c += C) add_chains<R, V, C>(tile, c, length);
  }
  add_rest<R, V>(tile, length * kChains, inputs);
}

// As add_chunk for `tiles` tiles of R rows, a quarter of the weights at a time.
template <int R, int V, class W>
HWY_INLINE void add_chunk_to_tiles(const Tile<W>& tile, int tiles, std::size_t inputs) {
  const std::size_t length = inputs / kChains;
  constexpr int C = chains_at_once<R, V>();
  const auto at = [&tile](int t) {
    return Tile<W>{tile.x + t * R * tile.x_stride, tile.x_stride, tile.weight,
                   tile.total + t * R * kBlock};
  };
  if (length > 0) {
    for (int c = 0; c < kChains; c += C) {
      for (int t = 0; t < tiles; ++t) add_chains<R, V, C>(at(t), c, length);
    }
  }
  for (int t = 0; t < tiles; ++t) add_rest<R, V>(at(t), length * kChains, inputs);
}

// y = relu?(total + (accumulate ? y : 0)) for one row of `outputs` values.
HWY_INLINE void store_row(const float* total, std::size_t outputs, float* y,
                          const ProductPost& post) {
  const Tag d;
  const auto finish = [&](auto tag, std::size_t o) HWY_ATTR {
    auto value = hn::LoadU(tag, total + o);
    if (post.accumulate) value = hn::Add(value, hn::LoadU(tag, y + o));
    if (post.relu) value = hn::IfThenZeroElse(hn::Lt(value, hn::Zero(tag)), value);
    hn::StoreU(value, tag, y + o);
  };
  std::size_t o = 0;
  for (; o + kLanes <= outputs; o += kLanes) finish(d, o);
  for (; o < outputs; ++o) finish(hn::CappedTag<float, 1>(), o);
}

// One block of V vectors, of which the first `outputs` values are wanted, for up to kPanelRows
// rows.
template <int V, class W>
void block_panel(const W* weight, const float* bias, std::size_t in_features, const float* x,
                 std::size_t x_stride, int rows, float* y, std::size_t y_stride,
                 std::size_t outputs, const ProductPost& post) {
  const Tag d;
  alignas(64) float total[kPanelRows * kBlock];
  for (int r = 0; r < rows; ++r) {
    for (int v = 0; v < V; ++v)
      hn::Store(hn::LoadU(d, bias + v * kLanes), d, total + r * kBlock + v * kLanes);
  }
  constexpr int kTall = kTallRows<V>;
  const int tall = rows / kTall, tiles = rows % kTall / kTileRows, beside = tall * kTall;
  const std::size_t full = static_cast<std::size_t>(beside) + tiles * kTileRows;
  for (std::size_t i = 0; i < in_features; i += kChunk) {
    const std::size_t inputs = std::min(kChunk, in_features - i);
    const W* chunk = weight + i * V * kLanes;
    add_chunk_to_tiles<kTall, V>(Tile<W>{x + i, x_stride, chunk, total}, tall, inputs);
    add_chunk_to_tiles<kTileRows, V>(
        Tile<W>{x + beside * x_stride + i, x_stride, chunk, total + beside * kBlock}, tiles,
        inputs);
    const Tile<W> rest{x + full * x_stride + i, x_stride, chunk, total + full * kBlock};
    switch (rows - static_cast<int>(full)) {
      case 1: add_chunk<1, V>(rest, inputs); break;
      case 2: add_chunk<2, V>(rest, inputs); break;
      case 3: add_chunk<3, V>(rest, inputs); break;
      default: break;
    }
  }
  for (int r = 0; r < rows; ++r) store_row(total + r * kBlock, outputs, y + r * y_stride, post);
}

std::size_t lanes() { return kLanes; }
std::size_t block_vectors() { return kTileVectors; }

// Outputs first … end - 1, a block, for all rows.
template <class W>
HWY_INLINE void run_block(const PackedWeight& w, std::size_t first, std::size_t end, const float* x,
                          std::size_t x_stride, int rows, float* y, std::size_t y_stride,
                          const ProductPost& post) {
  const std::size_t in_features = w.in_features,
                    outputs = std::min<std::size_t>(end, w.out_features) - first;
  const W* weight = static_cast<const W*>(w.packed) + first * in_features;
  const float* bias = w.bias + first;
  for (int r = 0; r < rows; r += kPanelRows) {
    const int panel = std::min(kPanelRows, rows - r);
    const float* from = x + r * x_stride;
    float* to = y + r * y_stride + first;
    switch ((end - first) / kLanes) {
      case 1:
        block_panel<1>(weight, bias, in_features, from, x_stride, panel, to, y_stride, outputs,
                       post);
        break;
      case 2:
        block_panel<2>(weight, bias, in_features, from, x_stride, panel, to, y_stride, outputs,
                       post);
        break;
#if HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM_A64
      case 3:
        block_panel<3>(weight, bias, in_features, from, x_stride, panel, to, y_stride, outputs,
                       post);
        break;
      case 4:
        block_panel<4>(weight, bias, in_features, from, x_stride, panel, to, y_stride, outputs,
                       post);
        break;
#endif
      default: break;
    }
  }
}

void product_block(const PackedWeight& w, std::size_t first, std::size_t end, const float* x,
                   std::size_t x_stride, int rows, float* y, std::size_t y_stride,
                   const ProductPost& post) {
  w.halves ? run_block<std::uint16_t>(w, first, end, x, x_stride, rows, y, y_stride, post)
           : run_block<float>(w, first, end, x, x_stride, rows, y, y_stride, post);
}

}  // namespace
}  // namespace sidenet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sidenet::kernels::cpu {
namespace {
HWY_EXPORT(lanes);
HWY_EXPORT(block_vectors);
HWY_EXPORT(product_block);

// A pair of threads shares the blocks evenly: an even number of them where they are few.
struct Blocks {
  explicit Blocks(int out_features)
      : lanes(HWY_DYNAMIC_DISPATCH(lanes)()),
        vectors((static_cast<std::size_t>(out_features) + lanes - 1) / lanes) {
    constexpr std::size_t kFew = 8;
    const std::size_t most = HWY_DYNAMIC_DISPATCH(block_vectors)();
    count = (vectors + most - 1) / most;
    if (count % 2 == 1 && count < kFew && vectors > count) ++count;
  }
  std::size_t first_output(std::size_t block) const { return vectors * block / count * lanes; }
  std::size_t lanes, vectors, count = 0;
};

// Calls put(value) for each place of the packed form, in order.
template <class Put>
void pack(const float* weight, int in_features, int out_features, const Put& put) {
  const std::size_t inputs = in_features, outputs = out_features;
  const Blocks blocks(out_features);
  for (std::size_t block = 0; block < blocks.count; ++block) {
    const std::size_t first = blocks.first_output(block), end = blocks.first_output(block + 1);
    for (std::size_t i = 0; i < inputs; ++i) {
      for (std::size_t o = first; o < end; ++o) put(o < outputs ? weight[o * inputs + i] : 0.0f);
    }
  }
}

}  // namespace

std::size_t padded_outputs(int out_features) {
  const Blocks blocks(out_features);
  return blocks.vectors * blocks.lanes;
}

bool fits_halves(const float* weight, std::size_t count) {
  return std::all_of(weight, weight + count, [](float value) {
    return (std::bit_cast<std::uint32_t>(value) & 0xffff) == 0;
  });
}

void pack_weight(const float* weight, int in_features, int out_features, float* packed) {
  pack(weight, in_features, out_features, [&packed](float value) { *packed++ = value; });
}

void pack_halves(const float* weight, int in_features, int out_features, std::uint16_t* packed) {
  pack(weight, in_features, out_features, [&packed](float value) {
    *packed++ = static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16);
  });
}

ProductItems packed_items(const PackedWeight& w, int rows, int threads) {
  if (rows <= 0 || w.out_features <= 0) return {0, 0, 1};
  const std::size_t blocks = Blocks(w.out_features).count;
  // A weight that comes from the third-level cache or memory takes as long as so many
  // multiply-adds.
  constexpr std::size_t kStream = 8;
  const std::size_t work = std::max<std::size_t>(rows, kStream) * w.out_features * w.in_features;
  const std::size_t used = threads_worth(work, threads);
  // Where there are few blocks the rows are cut too, so that the threads get even shares.
  const std::size_t wanted = used == 1 ? 1 : (4 * used + blocks - 1) / blocks;
  return {blocks, std::min(wanted, (static_cast<std::size_t>(rows) + 7) / 8),
          static_cast<int>(used)};
}

void run_packed_items(const PackedWeight& w, const ProductItems& items, std::size_t begin,
                      std::size_t end, const float* x, std::size_t x_stride, int rows, float* y,
                      std::size_t y_stride, const ProductPost& post) {
  const Blocks blocks(w.out_features);
  for (std::size_t item = begin; item < end; ++item) {
    const std::size_t block = item / items.groups, group = item % items.groups;
    const std::size_t first = rows * group / items.groups, last = rows * (group + 1) / items.groups;
    HWY_DYNAMIC_DISPATCH(product_block)
    (w, blocks.first_output(block), blocks.first_output(block + 1), x + first * x_stride, x_stride,
     static_cast<int>(last - first), y + first * y_stride, y_stride, post);
  }
}

void packed_product(const PackedWeight& w, const float* x, std::size_t x_stride, int rows, float* y,
                    std::size_t y_stride, const ProductPost& post, int threads) {
  const ProductItems items = packed_items(w, rows, threads);
  for_each_range(items.count(), 1, items.threads, [&](std::size_t begin, std::size_t end) {
    run_packed_items(w, items, begin, end, x, x_stride, rows, y, y_stride, post);
  });
}

}  // namespace sidenet::kernels::cpu
#endif
