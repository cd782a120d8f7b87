#include "parallel_ranges.h"
#include "simd_targets.h"
#include "transformer_kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "activation.cc"
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

void gelu_range(const float* x, float* y, std::size_t begin, std::size_t end) {
  activate_range<Activation::gelu>(x, y, begin, end);
}
void gelu_tanh_range(const float* x, float* y, std::size_t begin, std::size_t end) {
  activate_range<Activation::gelu_tanh>(x, y, begin, end);
}
void tanh_range(const float* x, float* y, std::size_t begin, std::size_t end) {
  activate_range<Activation::tanh>(x, y, begin, end);
}

}  // namespace
}  // namespace sidenet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sidenet::kernels::cpu {
namespace {
HWY_EXPORT(gelu_range);
HWY_EXPORT(gelu_tanh_range);
HWY_EXPORT(tanh_range);
}  // namespace

void gelu(const float* x, float* y, std::size_t count, bool tanh_form, int threads) {
  for_each_range(count, kElementGrain, threads, [&](std::size_t begin, std::size_t end) {
    if (tanh_form) {
      HWY_DYNAMIC_DISPATCH(gelu_tanh_range)(x, y, begin, end);
    } else {
      HWY_DYNAMIC_DISPATCH(gelu_range)(x, y, begin, end);
    }
  });
}

void tanh(const float* x, float* y, std::size_t count, int threads) {
  for_each_range(count, kElementGrain, threads, [&](std::size_t begin, std::size_t end) {
    HWY_DYNAMIC_DISPATCH(tanh_range)(x, y, begin, end);
  });
}

}  // namespace sidenet::kernels::cpu
#endif
