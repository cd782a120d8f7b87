#include "cpu_softmax.h"

#include "simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu_softmax.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "exp-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sidenet::kernels::cpu::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using Wide = hn::ScalableTag<float>;
using One = hn::CappedTag<float, 1>;

template <class D>
HWY_INLINE float max_lanes(D d, const float* x, std::size_t begin, std::size_t end, float start) {
  auto largest = hn::Set(d, start);
  for (std::size_t i = begin; i < end; i += hn::Lanes(d))
    largest = hn::Max(largest, hn::LoadU(d, x + i));
  return hn::GetLane(hn::MaxOfLanes(d, largest));
}

template <class D>
HWY_INLINE float exp_lanes(D d, const float* x, float* p, std::size_t begin, std::size_t end,
                           float largest) {
  const auto shift = hn::Set(d, largest);
  auto sum = hn::Zero(d);
  for (std::size_t i = begin; i < end; i += hn::Lanes(d)) {
    const auto e = exp_nonpositive(d, hn::Sub(hn::LoadU(d, x + i), shift));
    hn::StoreU(e, d, p + i);
    sum = hn::Add(sum, e);
  }
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

template <class D>
HWY_INLINE void divide_lanes(D d, float* p, std::size_t begin, std::size_t end, float divisor) {
  const auto by = hn::Set(d, divisor);
  for (std::size_t i = begin; i < end; i += hn::Lanes(d))
    hn::StoreU(hn::Div(hn::LoadU(d, p + i), by), d, p + i);
}

void softmax_row(const float* x, float* p, std::size_t classes) {
  const std::size_t whole = classes - classes % hn::Lanes(Wide());
  float largest = max_lanes(Wide(), x, 0, whole, x[0]);
  largest = max_lanes(One(), x, whole, classes, largest);
  float sum = exp_lanes(Wide(), x, p, 0, whole, largest);
  sum += exp_lanes(One(), x, p, whole, classes, largest);
  divide_lanes(Wide(), p, 0, whole, sum);
  divide_lanes(One(), p, whole, classes, sum);
}

}  // namespace
}  // namespace sidenet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sidenet::kernels::cpu {
namespace {
HWY_EXPORT(softmax_row);
}  // namespace

void softmax(const float* x, float* p, int rows, int classes) {
  if (classes <= 0) return;
  const std::size_t width = static_cast<std::size_t>(classes);
  for (int r = 0; r < rows; ++r)
    HWY_DYNAMIC_DISPATCH(softmax_row)(x + r * width, p + r * width, width);
}

}  // namespace sidenet::kernels::cpu
#endif
