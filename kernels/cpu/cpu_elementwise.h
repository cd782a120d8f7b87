#pragma once

#include <cstddef>

namespace sidenet::kernels::cpu {

/// y = relu?(a + b). y may be a or b.
void add(const float* a, const float* b, float* y, std::size_t count, bool relu, int threads);
/// y = relu?(x * scale[c] + shift[c]); x: (pixels, channels).
void scale_shift(const float* x, const float* scale, const float* shift, float* y,
                 std::size_t pixels, int channels, bool relu, int threads);

/// gates[c] = 1 / (1 + exp(-x[c])).
void sigmoid(const float* x, float* gates, int channels);
/// y = relu?(x * gates[c] + residual). x, y: (pixels, channels); residual: as x, or null. y may be
/// x.
void gate_channels(const float* x, const float* gates, const float* residual, float* y,
                   std::size_t pixels, int channels, bool relu, int threads);

}  // namespace sidenet::kernels::cpu
