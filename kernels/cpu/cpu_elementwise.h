#pragma once

#include <cstddef>

namespace sidenet::kernels::cpu {

/// y = relu?(a + b). y may be a or b.
void add(const float* a, const float* b, float* y, std::size_t count, bool relu, int threads);
/// y = relu?(x * scale[c] + shift[c]); x: (pixels, channels).
void scale_shift(const float* x, const float* scale, const float* shift, float* y,
                 std::size_t pixels, int channels, bool relu, int threads);

}  // namespace sidenet::kernels::cpu
