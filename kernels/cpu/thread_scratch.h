#pragma once

#include <cstddef>

namespace sidenet::kernels::cpu {

/// Distance of two threads' scratch of so many floats: whole pages, and some in between. With less,
/// Winograd's layers of 32 x 32 x 16 took a fifth longer, and half as long again where the two
/// cores share no cache (Zen 4, measured).
constexpr std::size_t scratch_stride(std::size_t floats) {
  constexpr std::size_t kPageFloats = 1024, kApart = 4 * kPageFloats;
  return (floats + kPageFloats - 1) / kPageFloats * kPageFloats + kApart;
}

}  // namespace sidenet::kernels::cpu
