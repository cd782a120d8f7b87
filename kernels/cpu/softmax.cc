#include "cpu_kernels.h"
#include "simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "softmax.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace sidenet::kernels::cpu::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using Wide = hn::ScalableTag<float>;
using One = hn::CappedTag<float, 1>;

// exp(x) for x <= 0, within 1.01 ulp (every seventh vector of floats from -104 to 0 tried, with FMA and without); NaN stays
// NaN. With n = round(x / ln 2) and r = x - n ln 2, exp(x) = 2^n exp(r), |r| <= ln 2 / 2.
template <class D, class V>
HWY_INLINE V exp_nonpositive(D d, V x) {
  const hn::RebindToSigned<D> di;
  const auto set = [&](float value) HWY_ATTR { return hn::Set(d, value); };
  const V clamped = hn::Max(x, set(-104.0f));  // exp(-104) < 2^-150 rounds to 0
  const auto n = hn::NearestInt(hn::Mul(clamped, set(1.44269504f)));
  const V nf = hn::ConvertTo(d, n);
  // ln 2 in two parts; the first has 9 trailing zero bits, so its product with n is exact.
  V r = hn::NegMulAdd(nf, set(0x1.62e4p-1f), clamped);
  r = hn::NegMulAdd(nf, set(0x1.7f7d1cp-20f), r);
  // exp(r) = 1 + r + r^2 q(r); q minimises the largest relative error over |r| <= ln 2 / 2 (weighted least squares), 3e-9.
  V q = hn::MulAdd(set(1.3814539e-3f), r, set(8.368745e-3f));
  q = hn::MulAdd(q, r, set(4.166839e-2f));
  q = hn::MulAdd(q, r, set(0.16666521f));
  q = hn::MulAdd(q, r, set(0.49999994f));
  const V p = hn::Add(hn::MulAdd(q, hn::Mul(r, r), r), set(1.0f));
  // 2^n in two factors, as 2^n alone may be below the smallest normal number.
  const auto half = hn::ShiftRight<1>(n);
  const auto bias = hn::Set(di, 127);
  const V scale_a = hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(half, bias)));
  const V scale_b = hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(hn::Sub(n, half), bias)));
  return hn::IfThenElse(hn::IsNaN(x), x, hn::Mul(hn::Mul(p, scale_a), scale_b));
}

template <class D>
HWY_INLINE float max_lanes(D d, const float* x, std::size_t begin, std::size_t end, float start) {
  auto largest = hn::Set(d, start);
  for (std::size_t i = begin; i < end; i += hn::Lanes(d)) largest = hn::Max(largest, hn::LoadU(d, x + i));
  return hn::GetLane(hn::MaxOfLanes(d, largest));
}

template <class D>
HWY_INLINE float exp_lanes(D d, const float* x, float* p, std::size_t begin, std::size_t end, float largest) {
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
  for (std::size_t i = begin; i < end; i += hn::Lanes(d)) hn::StoreU(hn::Div(hn::LoadU(d, p + i), by), d, p + i);
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
  for (int r = 0; r < rows; ++r) HWY_DYNAMIC_DISPATCH(softmax_row)(x + r * width, p + r * width, width);
}

}  // namespace sidenet::kernels::cpu
#endif
