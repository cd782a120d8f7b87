// The matrix products of Winograd's convolution, for kernels that are compiled once for each
// instruction set.
#if defined(SIDENET_KERNELS_CPU_WINOGRAD_PRODUCT_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SIDENET_KERNELS_CPU_WINOGRAD_PRODUCT_INL_H
#undef SIDENET_KERNELS_CPU_WINOGRAD_PRODUCT_INL_H
#else
#define SIDENET_KERNELS_CPU_WINOGRAD_PRODUCT_INL_H
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <utility>

#include "gemm_tile-inl.h"
#include "winograd_product.h"

HWY_BEFORE_NAMESPACE();
namespace sidenet::kernels::cpu::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// A block is two vectors of outputs wide and as many tiles high as the registers hold: there are
// few tiles in a panel, and gemm_tile's eight rows would often leave a remainder.
constexpr int kProductVectors = 2;
#if HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM_A64
constexpr int kProductRows = 14;
#elif HWY_TARGET <= HWY_AVX2
constexpr int kProductRows = 6;
#else
constexpr int kProductRows = 4;
#endif
constexpr std::size_t kBlock = kProductVectors * kLanes;

}  // namespace

/// The product of `rows` tiles (1 … kProductRows) and `vectors` vectors (1 or 2) of outputs; in
/// winograd_product.cc, which takes as long to compile as all else of Winograd together.
ProductFunction winograd_product_function(Prefetch prefetch, std::size_t rows, std::size_t vectors);

}  // namespace sidenet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
