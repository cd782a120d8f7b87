#include "cpu_self_attention.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <limits>

#include "parallel_ranges.h"
#include "simd_targets.h"
#include "team.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu_self_attention.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "gemm_tile-inl.h"

#ifndef SIDENET_KERNELS_CPU_SELF_ATTENTION_CC
#define SIDENET_KERNELS_CPU_SELF_ATTENTION_CC
namespace sidenet::kernels::cpu {
namespace {

constexpr std::size_t kMaxLanes = 16;  // floats in the longest vector of any instruction set used

constexpr std::size_t round_up(std::size_t value, std::size_t to) {
  return (value + to - 1) / to * to;
}

constexpr std::size_t kScores = 16 * 1024;  // floats, a small part of the second-level cache

/// Queries whose scores are held at once, so that a panel of keys is read once for all of them.
std::size_t query_block(std::size_t tokens) {
  return std::clamp<std::size_t>(kScores / round_up(tokens, kMaxLanes), 8, 32);
}

/// One thread's part of the scratch: keys, transposed; values; scores. In floats.
struct Slab {
  Slab(std::size_t longest_row, std::size_t head_dim)
      : values(round_up(longest_row, kMaxLanes) * head_dim),
        scores(values + round_up(longest_row * round_up(head_dim, kMaxLanes), kMaxLanes)),
        end(scores +
            std::min(32 * round_up(longest_row, kMaxLanes),
                     std::max<std::size_t>(kScores, 8 * round_up(longest_row, kMaxLanes)))) {}
  std::size_t values, scores, end;
};

/// One head of one row, and some of its queries.
struct HeadTask {
  const float* q;  // (queries, head_dim), q_stride apart
  const float* k;  // (tokens, head_dim), `stride` apart; so is v
  const float* v;
  std::size_t q_stride, stride, tokens, head_dim;
  std::size_t first_query, last_query;
  float scale;
  float* y;  // (queries, head_dim), y_stride apart
  std::size_t y_stride;
  float *keys, *values, *scores;  // 64-byte aligned
  const HeadTask* next;           // the task to come, or null
};

/// Where queries, keys and values lie, one head behind the other in each.
struct AttentionInput {
  const float* q;
  const float* k;
  const float* v;
  std::size_t q_stride, stride;
  bool one_query;  // a row, its first token's; else one a token
};

}  // namespace
}  // namespace sidenet::kernels::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace sidenet::kernels::cpu::HWY_NAMESPACE {
namespace {
static_assert(kLanes <= kMaxLanes && kTileRows <= 8);

// Columns in panels of whole vectors, as even as they can be; each panel is (inputs, its width),
// one behind the other.
struct Panels {
  explicit Panels(std::size_t columns)
      : vectors((columns + kLanes - 1) / kLanes),
        count((vectors + kTileVectors - 1) / kTileVectors) {}
  std::size_t first(std::size_t panel) const { return vectors * panel / count * kLanes; }
  std::size_t width(std::size_t panel) const { return first(panel + 1) - first(panel); }
  std::size_t columns() const { return vectors * kLanes; }
  std::size_t vectors, count;
};

// to[i * width + j] = from[j * stride + i] * scale for i < head_dim and `keys` keys j.
HWY_INLINE void transpose_keys(const float* from, std::size_t stride, std::size_t keys,
                               std::size_t head_dim, float scale, float* to, std::size_t width) {
  std::size_t j = 0;
#if HWY_TARGET != HWY_SCALAR
  const hn::CappedTag<float, 4> d;
  const auto factor = hn::Set(d, scale);
  for (; j + 4 <= keys; j += 4) {
    const float* key = from + j * stride;
    std::size_t i = 0;
    for (; i + 4 <= head_dim; i += 4) {
      const auto load = [&](std::size_t k) HWY_ATTR {
        return hn::Mul(hn::LoadU(d, key + k * stride + i), factor);
      };
      const auto a = load(0), b = load(1), c = load(2), e = load(3);
      const auto ab_low = hn::InterleaveLower(d, a, b), ab_high = hn::InterleaveUpper(d, a, b);
      const auto ce_low = hn::InterleaveLower(d, c, e), ce_high = hn::InterleaveUpper(d, c, e);
      float* out = to + i * width + j;
      hn::StoreU(hn::ConcatLowerLower(d, ce_low, ab_low), d, out);
      hn::StoreU(hn::ConcatUpperUpper(d, ce_low, ab_low), d, out + width);
      hn::StoreU(hn::ConcatLowerLower(d, ce_high, ab_high), d, out + 2 * width);
      hn::StoreU(hn::ConcatUpperUpper(d, ce_high, ab_high), d, out + 3 * width);
    }
    for (; i < head_dim; ++i) {
      for (std::size_t k = 0; k < 4; ++k) to[i * width + j + k] = key[k * stride + i] * scale;
    }
  }
#endif
  for (; j < keys; ++j) {
    for (std::size_t i = 0; i < head_dim; ++i) to[i * width + j] = from[j * stride + i] * scale;
  }
}

void pack_keys(const HeadTask& task, const Panels& panels) {
  for (std::size_t p = 0; p < panels.count; ++p) {
    const std::size_t first = panels.first(p), width = panels.width(p),
                      keys = std::min(width, task.tokens - first);
    float* panel = task.keys + first * task.head_dim;
    transpose_keys(task.k + first * task.stride, task.stride, keys, task.head_dim, task.scale,
                   panel, width);
    // Their scores are replaced; but what lay there before might be subnormal, and slow.
    for (std::size_t i = 0; keys < width && i < task.head_dim; ++i) {
      std::fill(panel + i * width + keys, panel + (i + 1) * width, 0.0f);
    }
  }
}

void pack_values(const HeadTask& task, const Panels& panels) {
  for (std::size_t p = 0; p < panels.count; ++p) {
    const std::size_t first = panels.first(p), width = panels.width(p);
    const std::size_t wanted = std::min(width, task.head_dim - first);
    float* to = task.values + first * task.tokens;
    for (std::size_t t = 0; t < task.tokens; ++t, to += width) {
      const float* from = task.v + t * task.stride + first;
      std::size_t o = 0;
      for (; o + kLanes <= wanted; o += kLanes)
        hn::Store(hn::LoadU(TileTag(), from + o), TileTag(), to + o);
      for (; o < width; ++o) to[o] = o < wanted ? from[o] : 0.0f;
    }
  }
}

// 2^x for x <= 0, relative error 2.5e-7; below 2^-126 it stays there, which adds nothing to a sum
// that holds a 1. NaN stays. With n = round(x) and r = x - n, 2^x = 2^n 2^r. Adding 1.5 * 2^23 +
// 127 rounds to an integer and leaves n + 127, a float's exponent, in the lowest bits.
template <class V>
HWY_INLINE V exp2_nonpositive(V x) {
  const TileTag d;
  const auto set = [&](float value) HWY_ATTR { return hn::Set(d, value); };
#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128
  const V clamped = hn::IfThenElse(hn::Lt(x, set(-126.0f)), set(-126.0f), x);
#else
  const V clamped =
      hn::Max(set(-126.0f), x);  // the second operand if one is NaN (x86), or NaN (Arm)
#endif
  const V shifted = hn::Add(clamped, set(0x1.8p23f + 127));
  const V r = hn::Sub(clamped, hn::Sub(shifted, set(0x1.8p23f + 127)));
  // The polynomial of degree 5 with p(0) = 1 and the smallest largest relative error over |r| <= 1
  // / 2 (Lawson's reweighted least squares), 9.1e-08.
  V p = hn::MulAdd(set(0.00132647273f), r, set(0.00967151299f));
  p = hn::MulAdd(p, r, set(0.0555073358f));
  p = hn::MulAdd(p, r, set(0.240222424f));
  p = hn::MulAdd(p, r, set(0.693147004f));
  p = hn::MulAdd(p, r, set(1.0f));
  const hn::RebindToSigned<TileTag> di;
  return hn::Mul(p, hn::BitCast(d, hn::ShiftLeft<23>(hn::BitCast(di, shifted))));
}

// scores = 2^(scores - the largest), in place; returns their sum. `columns` is in whole vectors.
HWY_INLINE float exponentiate(float* scores, std::size_t columns) {
  const TileTag d;
  auto largest = hn::Load(d, scores);
  for (std::size_t i = kLanes; i < columns; i += kLanes)
    largest = hn::Max(largest, hn::Load(d, scores + i));
  largest = hn::MaxOfLanes(d, largest);
  auto sum = hn::Zero(d);
  for (std::size_t i = 0; i < columns; i += kLanes) {
    const auto e = exp2_nonpositive(hn::Sub(hn::Load(d, scores + i), largest));
    hn::Store(e, d, scores + i);
    sum = hn::Add(sum, e);
  }
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

// y = from * factor for one query's `count` outputs.
HWY_INLINE void scale_outputs(const float* from, std::size_t count, float factor, float* y) {
  const TileTag d;
  const auto by = hn::Set(d, factor);
  std::size_t o = 0;
  for (; o + kLanes <= count; o += kLanes) hn::StoreU(hn::Mul(hn::Load(d, from + o), by), d, y + o);
  for (; o < count; ++o) y[o] = from[o] * factor;
}

HWY_INLINE void fetch_rows(const float* from, std::size_t stride, std::size_t first,
                           std::size_t last, std::size_t head_dim) {
  constexpr std::size_t kLine = 64 / sizeof(float);
  for (std::size_t t = first; t < last; ++t) {
    for (std::size_t o = 0; o < head_dim; o += kLine)
      __builtin_prefetch(from + t * stride + o, 0, 2);
  }
}

// Fetches the share done / all … (done + more) / all of what this thread reads next: its rows lie
// far apart, too far for the hardware's prefetching.
HWY_INLINE void fetch_next(const HeadTask& next, std::size_t done, std::size_t more,
                           std::size_t all) {
  const std::size_t queries = next.last_query - next.first_query;
  fetch_rows(next.q, next.q_stride, next.first_query + queries * done / all,
             next.first_query + queries * (done + more) / all, next.head_dim);
  for (const float* from : {next.k, next.v})
    fetch_rows(from, next.stride, next.tokens * done / all, next.tokens * (done + more) / all,
               next.head_dim);
}

struct Heights {
  explicit Heights(std::size_t rows) : rows(rows), tiles((rows + kTileRows - 1) / kTileRows) {}
  std::size_t first(std::size_t tile) const { return rows * tile / tiles; }
  std::size_t height(std::size_t tile) const { return first(tile + 1) - first(tile); }
  std::size_t rows, tiles;
};

// The queries first … first + queries - 1.
void attend_block(const HeadTask& task, const Panels& key_panels, const Panels& value_panels,
                  std::size_t first, std::size_t queries) {
  const std::size_t columns = key_panels.columns();
  const Heights heights(queries);
  TileArguments tile{};
  tile.x_stride = task.q_stride;
  tile.inputs = task.head_dim;
  tile.out_stride = columns;
  if (task.next)
    fetch_next(*task.next, first - task.first_query, queries, task.last_query - task.first_query);
  for (std::size_t p = 0; p < key_panels.count; ++p) {
    tile.weight = task.keys + key_panels.first(p) * task.head_dim;
    for (std::size_t t = 0; t < heights.tiles; ++t) {
      tile.x = task.q + (first + heights.first(t)) * task.q_stride;
      tile.out = task.scores + heights.first(t) * columns + key_panels.first(p);
      tile_function(heights.height(t), key_panels.width(p) / kLanes)(tile);
    }
  }
  float factors[32];
  for (std::size_t q = 0; q < queries; ++q) {
    float* scores = task.scores + q * columns;
    std::fill(scores + task.tokens, scores + columns, -std::numeric_limits<float>::infinity());
    factors[q] = 1.0f / exponentiate(scores, columns);
  }
  alignas(64) float out[kTileRows * kTileWidth];
  tile.x_stride = columns;
  tile.inputs = task.tokens;
  tile.out = out;
  tile.out_stride = kTileWidth;
  for (std::size_t p = 0; p < value_panels.count; ++p) {
    const std::size_t column = value_panels.first(p),
                      wanted = std::min(value_panels.width(p), task.head_dim - column);
    tile.weight = task.values + column * task.tokens;
    for (std::size_t t = 0; t < heights.tiles; ++t) {
      const std::size_t q = heights.first(t);
      tile.x = task.scores + q * columns;
      tile_function(heights.height(t), value_panels.width(p) / kLanes)(tile);
      for (std::size_t r = 0; r < heights.height(t); ++r) {
        scale_outputs(out + r * kTileWidth, wanted, factors[q + r],
                      task.y + (first + q + r) * task.y_stride + column);
      }
    }
  }
}

void attend(const HeadTask& task) {
  const Panels key_panels(task.tokens), value_panels(task.head_dim);
  pack_keys(task, key_panels);
  pack_values(task, value_panels);
  const std::size_t block = query_block(task.tokens);
  for (std::size_t q = task.first_query; q < task.last_query; q += block) {
    attend_block(task, key_panels, value_panels, q, std::min(block, task.last_query - q));
  }
}

}  // namespace
}  // namespace sidenet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sidenet::kernels::cpu {
namespace {
HWY_EXPORT(attend);

constexpr std::size_t kQueryGrain = 32;  // queries that are worth packing the keys and values again

void attend_rows(const AttentionInput& input, const std::int64_t* offsets, int rows, int heads,
                 int head_dim, float scale, float* y, std::byte* scratch, int threads) {
  if (rows <= 0 || heads <= 0 || head_dim <= 0) return;
  const std::size_t hidden = static_cast<std::size_t>(heads) * head_dim;
  std::size_t longest = 0, work = 0;
  for (int r = 0; r < rows; ++r) {
    const std::size_t tokens = static_cast<std::size_t>(offsets[r + 1] - offsets[r]);
    longest = std::max(longest, tokens);
    work += 2 * tokens * (input.one_query ? 1 : tokens) * hidden;
  }
  if (longest == 0) return;
  const Slab slab(longest, head_dim);
  const std::size_t used = threads_worth(work, threads);
  const std::size_t all_heads = static_cast<std::size_t>(rows) * heads;
  // Where there are few heads their queries are split too.
  const std::size_t wanted = used == 1 ? 1 : (4 * used + all_heads - 1) / all_heads;
  const std::size_t parts =
      input.one_query ? 1 : std::clamp<std::size_t>(longest / kQueryGrain, 1, wanted);
  const std::size_t items = all_heads * parts;

  const auto task_of = [&](std::size_t item, std::size_t thread) {
    const std::size_t row = item / (heads * parts), head = item / parts % heads,
                      part = item % parts;
    HeadTask task{};
    const std::size_t first = static_cast<std::size_t>(offsets[row]),
                      first_query = input.one_query ? row : first;
    task.tokens = static_cast<std::size_t>(offsets[row + 1]) - first;
    const std::size_t queries =
        input.one_query ? std::min<std::size_t>(task.tokens, 1) : task.tokens;
    task.first_query = queries * part / parts;
    task.last_query = queries * (part + 1) / parts;
    task.q_stride = input.q_stride;
    task.stride = input.stride;
    task.y_stride = hidden;
    task.head_dim = head_dim;
    task.scale =
        static_cast<float>(scale * 1.4426950408889634);  // log2(e): the softmax is taken to base 2
    task.q = input.q + first_query * task.q_stride + head * head_dim;
    task.k = input.k + first * task.stride + head * head_dim;
    task.v = input.v + first * task.stride + head * head_dim;
    task.y = y + first_query * hidden + head * head_dim;
    task.keys = reinterpret_cast<float*>(scratch) + slab.end * thread;
    task.values = task.keys + slab.values;
    task.scores = task.keys + slab.scores;
    return task;
  };
  std::atomic<std::size_t> next{0};  // rows differ in length: whoever is free takes the next item
  const auto run = [&](std::size_t thread) {
    std::size_t item = next++;
    if (item >= items) return;
    HeadTask task = task_of(item, thread);
    while (item < items) {
      item = next++;
      HeadTask coming{};
      if (item < items) {
        coming = task_of(item, thread);
        task.next = &coming;
      }
      if (task.first_query < task.last_query) HWY_DYNAMIC_DISPATCH(attend)(task);
      task = coming;
    }
  };
  if (used <= 1) {
    run(0);
  } else {
    Team::share(static_cast<int>(used), [&](const TeamPlace& place) { run(place.index()); });
  }
}

}  // namespace

std::size_t self_attention_scratch_bytes(int longest_row, int heads, int head_dim, int threads) {
  if (longest_row <= 0 || heads <= 0 || head_dim <= 0) return 0;
  return Slab(longest_row, head_dim).end * std::max(threads, 1) * sizeof(float);
}

void self_attention(const float* qkv, const std::int64_t* offsets, int rows, int heads,
                    int head_dim, float scale, float* y, std::byte* scratch, int threads) {
  const std::size_t hidden = static_cast<std::size_t>(heads) * head_dim;
  const AttentionInput input{qkv, qkv + hidden, qkv + 2 * hidden, 3 * hidden, 3 * hidden, false};
  attend_rows(input, offsets, rows, heads, head_dim, scale, y, scratch, threads);
}

void first_token_attention(const float* q, const float* kv, const std::int64_t* offsets, int rows,
                           int heads, int head_dim, float scale, float* y, std::byte* scratch,
                           int threads) {
  const std::size_t hidden = static_cast<std::size_t>(heads) * head_dim;
  attend_rows({q, kv, kv + hidden, hidden, 2 * hidden, true}, offsets, rows, heads, head_dim, scale,
              y, scratch, threads);
}

}  // namespace sidenet::kernels::cpu
#endif
