#pragma once

#include <cstdlib>
#include <memory>
#include <span>

#include "conv2d_shape.h"
#include "kernels_test_support.h"

namespace kernels_test {

struct FreeAligned {
  void operator()(std::byte* p) const { std::free(p); }
};

// y: what the residual is read from; a copy of it is overwritten.
inline Values run(const sidenet::kernels::Conv2dKernel& kernel, const Values& x, Values y,
                  int threads, std::span<const std::byte> coming = {}) {
  constexpr std::size_t kGuard = 64;
  const std::size_t bytes = (kernel.scratch_bytes() + 63) / 64 * 64 + kGuard;
  const std::unique_ptr<std::byte, FreeAligned> scratch(
      static_cast<std::byte*>(std::aligned_alloc(64, bytes)));
  std::memset(scratch.get(), 0xff, bytes);  // NaNs: what is read must have been written
  kernel.run(x.data(), y.data(), scratch.get(), threads, coming);
  CHECK(std::all_of(scratch.get() + kernel.scratch_bytes(), scratch.get() + bytes,
                    [](std::byte b) { return b == std::byte{0xff}; }));
  return y;
}

struct Problem {
  Conv2dShape shape;
  Values x, weight, scale, bias, before;
  explicit Problem(const Conv2dShape& s)
      : shape(s),
        x(random_values(std::size_t(s.in_h) * s.in_w * s.in_channels)),
        weight(
            random_values(std::size_t(s.out_channels) * s.in_channels * s.kernel_h * s.kernel_w)),
        scale(random_values(s.out_channels)),
        bias(random_values(s.out_channels)),
        before(random_values(std::size_t(s.out_h) * s.out_w * s.out_channels)) {}
};

}  // namespace kernels_test
