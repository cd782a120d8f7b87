#include "gemm.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <new>

#include "gemm_variants.h"
#include "parallel_ranges.h"

namespace sidenet::kernels::cpu {
namespace {

// Blocks of C, the same for any number of threads. Eigen packs A and B anew for each block, so they
// must not be small.
constexpr int kBlockM = 128, kBlockN = 256;
constexpr std::size_t kWorkGrain = 256 * 1024;  // multiply-adds that are worth a thread

}  // namespace

std::span<const GemmVariant> gemm_variants() {
  static constexpr GemmVariant kVariants[] = {
    {"baseline", gemm_baseline},
#if SIDENET_GEMM_X86
    {"avx2", gemm_avx2},
    {"avx512", gemm_avx512},
#endif
  };
  std::size_t usable = 1;
#if SIDENET_GEMM_X86
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    usable = 2;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw")) {
      usable = 3;
    }
  }
#endif
  return std::span(kVariants, usable);
}

void gemm(bool transpose_a, bool transpose_b, int m, int n, int k, const float* a, int lda,
          const float* b, int ldb, bool accumulate, float* c, int ldc, int threads) {
  if (m <= 0 || n <= 0) return;
  static const GemmFunction block = gemm_variants().back().function;
  const std::size_t blocks_m = (m + kBlockM - 1) / kBlockM, blocks_n = (n + kBlockN - 1) / kBlockN;
  const std::size_t work = std::size_t(m) * n * std::max(k, 1);
  const int used =
      static_cast<int>(std::min<std::size_t>(std::max(threads, 1), work / kWorkGrain + 1));
  std::atomic<bool> out_of_memory = false;  // an exception must not leave a parallel region
  for_each_range(blocks_m * blocks_n, 1, used, [&](std::size_t begin, std::size_t end) {
    try {
      for (std::size_t item = begin; item < end; ++item) {
        const std::size_t i = item / blocks_n * kBlockM, j = item % blocks_n * kBlockN;
        const float* left = a + (transpose_a ? i : i * lda);
        const float* right = b + (transpose_b ? j * ldb : j);
        const int rows = std::min(kBlockM, m - static_cast<int>(i)),
                  columns = std::min(kBlockN, n - static_cast<int>(j));
        block(transpose_a, transpose_b, rows, columns, k, left, lda, right, ldb, accumulate,
              c + i * ldc + j, ldc);
      }
    } catch (const std::bad_alloc&) {
      out_of_memory = true;
    }
  });
  if (out_of_memory) throw std::bad_alloc();
}

}  // namespace sidenet::kernels::cpu
