#pragma once

#include <span>

// gemm.cc chooses among these; tests run them all. gemm_variant.cc is compiled once for each.
namespace sidenet::kernels::cpu {

/// One block on one thread; arguments as gemm().
using GemmFunction = void (*)(bool transpose_a, bool transpose_b, int m, int n, int k,
                              const float* a, int lda, const float* b, int ldb, bool accumulate,
                              float* c, int ldc);

void gemm_baseline(bool, bool, int, int, int, const float*, int, const float*, int, bool, float*,
                   int);
void gemm_avx2(bool, bool, int, int, int, const float*, int, const float*, int, bool, float*, int);
void gemm_avx512(bool, bool, int, int, int, const float*, int, const float*, int, bool, float*,
                 int);

struct GemmVariant {
  const char* name;
  GemmFunction function;
};
/// Those that this machine can run, the fastest last.
std::span<const GemmVariant> gemm_variants();

}  // namespace sidenet::kernels::cpu
