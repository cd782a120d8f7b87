#include "cpu_activation.h"

#include "parallel_ranges.h"
#include "simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu_activation.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "activation-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sidenet::kernels::cpu::HWY_NAMESPACE {
namespace {

template <Activation kActivation>
void activate_range(const float* x, float* y, std::size_t begin, std::size_t end) {
  const hn::ScalableTag<float> wide;
  const hn::CappedTag<float, 1> one;
  std::size_t i = begin;
  for (; i + hn::Lanes(wide) <= end; i += hn::Lanes(wide)) {
    hn::StoreU(activate<kActivation>(wide, hn::LoadU(wide, x + i)), wide, y + i);
  }
  for (; i < end; ++i) hn::StoreU(activate<kActivation>(one, hn::LoadU(one, x + i)), one, y + i);
}

void activate_any(Activation activation, const float* x, float* y, std::size_t begin,
                  std::size_t end) {
  with_activation(activation, [&](auto kind) { activate_range<kind.value>(x, y, begin, end); });
}

}  // namespace
}  // namespace sidenet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sidenet::kernels::cpu {
namespace {
HWY_EXPORT(activate_any);
}  // namespace

void activate(Activation activation, const float* x, float* y, std::size_t count, int threads) {
  for_each_range(count, kElementGrain, threads, [&](std::size_t begin, std::size_t end) {
    HWY_DYNAMIC_DISPATCH(activate_any)(activation, x, y, begin, end);
  });
}

}  // namespace sidenet::kernels::cpu
#endif
