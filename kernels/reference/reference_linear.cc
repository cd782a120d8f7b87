#include "reference_kernels.h"

namespace sidenet::kernels::reference {

// y[r, o] = b[o] + sum_i x[r, i] * W[o, i]
void linear(const float* x, int rows, int in_features, const float* weight, const float* bias,
            int out_features, bool relu, float* y) {
  for (int r = 0; r < rows; ++r) {
    for (int o = 0; o < out_features; ++o) {
      double sum = bias ? bias[o] : 0.0;
      for (int i = 0; i < in_features; ++i) {
        sum +=
            double(x[std::size_t(r) * in_features + i]) * weight[std::size_t(o) * in_features + i];
      }
      y[std::size_t(r) * out_features + o] = static_cast<float>(relu && sum < 0 ? 0.0 : sum);
    }
  }
}

// C[i, j] = sum_p op(A)[i, p] * op(B)[p, j] (+ C[i, j])
void gemm(bool transpose_a, bool transpose_b, int m, int n, int k, const float* a, int lda,
          const float* b, int ldb, bool accumulate, float* c, int ldc) {
  for (int i = 0; i < m; ++i) {
    for (int j = 0; j < n; ++j) {
      float& out = c[std::size_t(i) * ldc + j];
      double sum = accumulate ? out : 0.0;
      for (int p = 0; p < k; ++p) {
        const float left = transpose_a ? a[std::size_t(p) * lda + i] : a[std::size_t(i) * lda + p];
        const float right = transpose_b ? b[std::size_t(j) * ldb + p] : b[std::size_t(p) * ldb + j];
        sum += double(left) * right;
      }
      out = static_cast<float>(sum);
    }
  }
}

}  // namespace sidenet::kernels::reference
