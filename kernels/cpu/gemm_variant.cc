// Eigen's matrix product for one instruction set. meson.build compiles this file several times,
// with SIDENET_GEMM_VARIANT naming the function, the -m options of the instruction set, and
// -DEigen=<a namespace of its own>, so that the linker never takes one copy's templates for
// another's. That leaves functions of the standard library: an inline one that the compiler did not
// inline would be a weak symbol with the wrong instructions, which the linker might choose for the
// whole program. Hence this file includes nothing but Eigen, calls nothing of std itself, and is
// always compiled with optimisation; tests/internal/kernels_gemm_symbols.sh checks with nm that no
// weak symbol outside the renamed namespace is left. Eigen takes its packing buffers from the stack
// up to 128 KiB each (its default), else from the heap.
#define EIGEN_DONT_PARALLELIZE
#define EIGEN_NO_IO
#include <Eigen/Core>

#include "gemm_variants.h"

namespace sidenet::kernels::cpu {
namespace {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Strided = Eigen::OuterStride<>;
using Input = Eigen::Map<const Matrix, Eigen::Unaligned, Strided>;
using Output = Eigen::Map<Matrix, Eigen::Unaligned, Strided>;

template <class A, class B>
void multiply(const A& a, const B& b, bool accumulate, Output& c) {
  if (accumulate) {
    c.noalias() += a * b;
  } else {
    c.noalias() = a * b;
  }
}

}  // namespace

void SIDENET_GEMM_VARIANT(bool transpose_a, bool transpose_b, int m, int n, int k, const float* a,
                          int lda, const float* b, int ldb, bool accumulate, float* c, int ldc) {
  const Input left(a, transpose_a ? k : m, transpose_a ? m : k, Strided(lda));
  const Input right(b, transpose_b ? n : k, transpose_b ? k : n, Strided(ldb));
  Output out(c, m, n, Strided(ldc));
  if (transpose_a && transpose_b) {
    multiply(left.transpose(), right.transpose(), accumulate, out);
  } else if (transpose_a) {
    multiply(left.transpose(), right, accumulate, out);
  } else if (transpose_b) {
    multiply(left, right.transpose(), accumulate, out);
  } else {
    multiply(left, right, accumulate, out);
  }
}

}  // namespace sidenet::kernels::cpu
