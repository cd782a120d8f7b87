#pragma once

#include <cstddef>

namespace sidenet::kernels::cpu {

/// Group normalisation (arXiv 1803.08494) of one row: y = relu?((x - mean) / sqrt(variance +
/// epsilon) gamma[c] + beta[c]), mean and variance over the pixels and channels of c's group. x, y:
/// (pixels, channels), y may be x; gamma, beta: (channels). scratch: 64-byte aligned.
void group_norm(const float* x, std::size_t pixels, int channels, int groups, const float* gamma,
                const float* beta, double epsilon, bool relu, float* y, std::byte* scratch,
                int threads);
std::size_t group_norm_scratch_bytes(int channels);

}  // namespace sidenet::kernels::cpu
