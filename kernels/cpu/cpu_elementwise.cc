#include "cpu_elementwise.h"

#include <cmath>

#include "parallel_ranges.h"
#include "simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu_elementwise.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace sidenet::kernels::cpu::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// Each loop runs first with whole vectors, then for the rest with vectors of one lane: the same
// instructions (FMA too), so an element's result does not depend on where it lies.
using Wide = hn::ScalableTag<float>;
using One = hn::CappedTag<float, 1>;

// Not Max, which differs between instruction sets for NaN: here NaN stays NaN.
template <class D, class V>
HWY_INLINE V rectify(D d, V v) {
  return hn::IfThenZeroElse(hn::Lt(v, hn::Zero(d)), v);
}

template <class D>
HWY_INLINE void add_lanes(D d, const float* a, const float* b, float* y, std::size_t begin,
                          std::size_t end, bool relu) {
  for (std::size_t i = begin; i < end; i += hn::Lanes(d)) {
    const auto sum = hn::Add(hn::LoadU(d, a + i), hn::LoadU(d, b + i));
    hn::StoreU(relu ? rectify(d, sum) : sum, d, y + i);
  }
}

void add_range(const float* a, const float* b, float* y, std::size_t count, bool relu) {
  const std::size_t whole = count - count % hn::Lanes(Wide());
  add_lanes(Wide(), a, b, y, 0, whole, relu);
  add_lanes(One(), a, b, y, whole, count, relu);
}

template <class D>
HWY_INLINE void scale_shift_lanes(D d, const float* x, const float* scale, const float* shift,
                                  float* y, std::size_t begin, std::size_t end, bool relu) {
  for (std::size_t c = begin; c < end; c += hn::Lanes(d)) {
    const auto value =
        hn::MulAdd(hn::LoadU(d, x + c), hn::LoadU(d, scale + c), hn::LoadU(d, shift + c));
    hn::StoreU(relu ? rectify(d, value) : value, d, y + c);
  }
}

void scale_shift_range(const float* x, const float* scale, const float* shift, float* y,
                       std::size_t pixels, std::size_t channels, bool relu) {
  const std::size_t whole = channels - channels % hn::Lanes(Wide());
  for (std::size_t p = 0; p < pixels; ++p, x += channels, y += channels) {
    scale_shift_lanes(Wide(), x, scale, shift, y, 0, whole, relu);
    scale_shift_lanes(One(), x, scale, shift, y, whole, channels, relu);
  }
}

// residual: null for none.
template <class D>
HWY_INLINE void gate_lanes(D d, const float* x, const float* gates, const float* residual, float* y,
                           std::size_t begin, std::size_t end, bool relu) {
  for (std::size_t c = begin; c < end; c += hn::Lanes(d)) {
    auto value = hn::Mul(hn::LoadU(d, x + c), hn::LoadU(d, gates + c));
    if (residual) value = hn::Add(value, hn::LoadU(d, residual + c));
    hn::StoreU(relu ? rectify(d, value) : value, d, y + c);
  }
}

void gate_range(const float* x, const float* gates, const float* residual, float* y,
                std::size_t pixels, std::size_t channels, bool relu) {
  const std::size_t whole = channels - channels % hn::Lanes(Wide());
  for (std::size_t p = 0; p < pixels; ++p, x += channels, y += channels) {
    gate_lanes(Wide(), x, gates, residual, y, 0, whole, relu);
    gate_lanes(One(), x, gates, residual, y, whole, channels, relu);
    if (residual) residual += channels;
  }
}

}  // namespace
}  // namespace sidenet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sidenet::kernels::cpu {
namespace {
HWY_EXPORT(add_range);
HWY_EXPORT(scale_shift_range);
HWY_EXPORT(gate_range);
}  // namespace

void add(const float* a, const float* b, float* y, std::size_t count, bool relu, int threads) {
  for_each_range(count, kElementGrain, threads, [&](std::size_t begin, std::size_t end) {
    HWY_DYNAMIC_DISPATCH(add_range)(a + begin, b + begin, y + begin, end - begin, relu);
  });
}

void scale_shift(const float* x, const float* scale, const float* shift, float* y,
                 std::size_t pixels, int channels, bool relu, int threads) {
  if (channels <= 0) return;
  const std::size_t width = static_cast<std::size_t>(channels);
  for_each_range(pixels, kElementGrain / width + 1, threads,
                 [&](std::size_t begin, std::size_t end) {
                   HWY_DYNAMIC_DISPATCH(scale_shift_range)
                   (x + begin * width, scale, shift, y + begin * width, end - begin, width, relu);
                 });
}

void sigmoid(const float* x, float* gates, int channels) {
  for (int c = 0; c < channels; ++c) gates[c] = 1 / (1 + std::exp(-x[c]));
}

void gate_channels(const float* x, const float* gates, const float* residual, float* y,
                   std::size_t pixels, int channels, bool relu, int threads) {
  if (channels <= 0) return;
  const std::size_t width = static_cast<std::size_t>(channels);
  for_each_range(
      pixels, kElementGrain / width + 1, threads, [&](std::size_t begin, std::size_t end) {
        const std::size_t from = begin * width;
        HWY_DYNAMIC_DISPATCH(gate_range)
        (x + from, gates, residual ? residual + from : nullptr, y + from, end - begin, width, relu);
      });
}

}  // namespace sidenet::kernels::cpu
#endif
