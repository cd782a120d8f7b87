#include "cpu_layer_norm.h"

#include <cmath>

#include "parallel_ranges.h"
#include "simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu_layer_norm.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace sidenet::kernels::cpu::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using Wide = hn::ScalableTag<float>;
using One = hn::CappedTag<float, 1>;
constexpr std::size_t kWidth = hn::MaxLanes(Wide());
constexpr std::size_t kSums = 4;  // vectors of partial sums, to hide the latency of additions

// The sum of value(d, i) over the vectors of 0 … count, then over what is left one by one.
template <class Value>
HWY_INLINE float sum_values(std::size_t count, const Value& value) {
  const Wide d;
  hn::Vec<Wide> sums[kSums];
  for (auto& sum : sums) sum = hn::Zero(d);
  std::size_t i = 0;
  for (; i + kSums * kWidth <= count; i += kSums * kWidth) {
    for (std::size_t s = 0; s < kSums; ++s) sums[s] = hn::Add(sums[s], value(d, i + s * kWidth));
  }
  for (; i + kWidth <= count; i += kWidth) sums[0] = hn::Add(sums[0], value(d, i));
  float total =
      hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(sums[0], sums[1]), hn::Add(sums[2], sums[3]))));
  for (; i < count; ++i) total += hn::GetLane(value(One(), i));
  return total;
}

void layer_norm_row(const float* x, const float* gamma, const float* beta, float epsilon, float* y,
                    std::size_t hidden) {
  const float width = static_cast<float>(hidden);
  const float mean =
      sum_values(hidden, [&](auto d, std::size_t i) HWY_ATTR { return hn::LoadU(d, x + i); }) /
      width;
  const float squares = sum_values(hidden, [&](auto d, std::size_t i) HWY_ATTR {
    const auto centred = hn::Sub(hn::LoadU(d, x + i), hn::Set(d, mean));
    return hn::Mul(centred, centred);
  });
  const float scale = 1.0f / std::sqrt(squares / width + epsilon);
  const auto finish = [&](auto d, std::size_t i) HWY_ATTR {
    const auto normalised =
        hn::Mul(hn::Sub(hn::LoadU(d, x + i), hn::Set(d, mean)), hn::Set(d, scale));
    hn::StoreU(hn::MulAdd(normalised, hn::LoadU(d, gamma + i), hn::LoadU(d, beta + i)), d, y + i);
  };
  std::size_t i = 0;
  for (; i + kWidth <= hidden; i += kWidth) finish(Wide(), i);
  for (; i < hidden; ++i) finish(One(), i);
}

}  // namespace
}  // namespace sidenet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sidenet::kernels::cpu {
namespace {
HWY_EXPORT(layer_norm_row);
}  // namespace

void layer_norm(const float* x, const float* gamma, const float* beta, float epsilon, float* y,
                int rows, int hidden, int threads) {
  if (rows <= 0 || hidden <= 0) return;
  const std::size_t width = hidden;
  for_each_range(rows, kElementGrain / width + 1, threads, [&](std::size_t begin, std::size_t end) {
    for (std::size_t r = begin; r < end; ++r) {
      HWY_DYNAMIC_DISPATCH(layer_norm_row)
      (x + r * width, gamma, beta, epsilon, y + r * width, width);
    }
  });
}

}  // namespace sidenet::kernels::cpu
#endif
