#include "direct_strip.h"

#include "simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "direct_strip.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "direct_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sidenet::kernels::cpu::HWY_NAMESPACE {
namespace {

void narrow_strip(const DirectStrip& strip, DirectFetch& fetch) {
  direct_strip<false>(strip, fetch);
}
std::size_t direct_width(bool wide) { return (wide ? kWide : kNarrow) * kLanes; }
std::size_t direct_pixels(bool wide) { return wide ? kLow : kHigh; }

}  // namespace
}  // namespace sidenet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sidenet::kernels::cpu {

HWY_EXPORT(narrow_strip);
HWY_EXPORT(direct_width);
HWY_EXPORT(direct_pixels);

void compute_direct_strip(const DirectStrip& strip, DirectFetch& fetch) {
  if (strip.vectors > kNarrowVectors) {
    compute_wide_strip(strip, fetch);
  } else {
    HWY_DYNAMIC_DISPATCH(narrow_strip)(strip, fetch);
  }
}
std::size_t width_of_direct_tile(bool wide) { return HWY_DYNAMIC_DISPATCH(direct_width)(wide); }
std::size_t pixels_of_direct_tile(bool wide) { return HWY_DYNAMIC_DISPATCH(direct_pixels)(wide); }

}  // namespace sidenet::kernels::cpu
#endif
