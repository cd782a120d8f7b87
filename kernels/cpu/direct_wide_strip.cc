#include "direct_strip.h"
#include "simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "direct_wide_strip.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "direct_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sidenet::kernels::cpu::HWY_NAMESPACE {
namespace {

void wide_strip(const DirectStrip& strip, DirectFetch& fetch) { direct_strip<true>(strip, fetch); }

}  // namespace
}  // namespace sidenet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sidenet::kernels::cpu {

HWY_EXPORT(wide_strip);

void compute_wide_strip(const DirectStrip& strip, DirectFetch& fetch) {
  HWY_DYNAMIC_DISPATCH(wide_strip)(strip, fetch);
}

}  // namespace sidenet::kernels::cpu
#endif
