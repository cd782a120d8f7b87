#include "cpu_token_mean.h"

#include <algorithm>

#include "parallel_ranges.h"
#include "simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu_token_mean.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace sidenet::kernels::cpu::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using Wide = hn::ScalableTag<float>;
using One = hn::CappedTag<float, 1>;
constexpr std::size_t kWidth = hn::MaxLanes(Wide());

// y = mean of x: (tokens, width), each column summed in order.
void mean_row(const float* x, std::size_t tokens, std::size_t width, float* y) {
  const float count = static_cast<float>(std::max<std::size_t>(tokens, 1));
  const auto column = [&](auto d, std::size_t i) HWY_ATTR {
    auto sum = hn::Zero(d);
    for (std::size_t t = 0; t < tokens; ++t) sum = hn::Add(sum, hn::LoadU(d, x + t * width + i));
    hn::StoreU(hn::Div(sum, hn::Set(d, count)), d, y + i);
  };
  std::size_t i = 0;
  for (; i + kWidth <= width; i += kWidth) column(Wide(), i);
  for (; i < width; ++i) column(One(), i);
}

}  // namespace
}  // namespace sidenet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sidenet::kernels::cpu {
namespace {
HWY_EXPORT(mean_row);
}  // namespace

void mean_tokens(const float* x, const std::int64_t* offsets, int rows, int width, float* y,
                 int threads) {
  if (rows <= 0 || width <= 0) return;
  const std::size_t columns = width;
  const std::size_t row_values =
      static_cast<std::size_t>(offsets[rows] - offsets[0]) / rows * columns;
  for_each_range(
      rows, kElementGrain / (row_values + 1) + 1, threads, [&](std::size_t begin, std::size_t end) {
        for (std::size_t r = begin; r < end; ++r) {
          const std::size_t tokens = static_cast<std::size_t>(offsets[r + 1] - offsets[r]);
          HWY_DYNAMIC_DISPATCH(mean_row)
          (x + static_cast<std::size_t>(offsets[r]) * columns, tokens, columns, y + r * columns);
        }
      });
}

}  // namespace sidenet::kernels::cpu
#endif
