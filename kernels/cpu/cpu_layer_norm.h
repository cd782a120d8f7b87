#pragma once

namespace sidenet::kernels::cpu {

/// y = (x - mean) / sqrt(variance + epsilon) * gamma + beta over each token (arXiv 1607.06450). x:
/// (rows, hidden); gamma, beta: (hidden). y may be x.
void layer_norm(const float* x, const float* gamma, const float* beta, float epsilon, float* y,
                int rows, int hidden, int threads);

}  // namespace sidenet::kernels::cpu
