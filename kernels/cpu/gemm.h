#pragma once

namespace sidenet::kernels::cpu {

/// C (m, n) = op(A) op(B) + (accumulate ? C : 0), row-major, float32. op(A) is (m, k): A itself
/// with leading dimension lda, or the transpose of a stored (k, m) A; likewise op(B) (k, n). Eigen,
/// compiled for several instruction sets and chosen at run time. Work is split into blocks that do
/// not depend on `threads`, so the result never does either.
void gemm(bool transpose_a, bool transpose_b, int m, int n, int k, const float* a, int lda,
          const float* b, int ldb, bool accumulate, float* c, int ldc, int threads);

}  // namespace sidenet::kernels::cpu
