#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

// The matrix product behind PackedLinear and the im2col convolution. The weight is packed into
// blocks of a few vectors of outputs, each (in_features, width) with the outputs of a block side by
// side. An output is always the same sum, whatever the rows, the blocks or the threads beside it:
// inputs go in chunks of 1024; the four quarters of a chunk are four chains of multiply-adds, added
// to the total in order; a remainder of fewer than four inputs follows one by one. So a row is
// bit-identical alone and in any batch, while the chains hide the latency of the multiply-add where
// there is one row only.
namespace sidenet::kernels::cpu {

struct PackedWeight {
  const void* packed;  ///< floats or, with `halves`, their upper halves; 64-byte aligned
  const float* bias;   ///< (padded_outputs(out_features))
  int in_features, out_features;
  bool halves = false;
};

/// out_features rounded up to whole vectors: the width of all blocks together.
std::size_t padded_outputs(int out_features);
/// Packs weight (out_features, in_features) into padded_outputs(out_features) * in_features floats.
void pack_weight(const float* weight, int in_features, int out_features, float* packed);
/// Whether the lower half of every value is zero, as in weights that were stored as bfloat16: then
/// half the bytes hold them, and every product is the same to the bit.
bool fits_halves(const float* weight, std::size_t count);
/// As pack_weight, the upper halves alone.
void pack_halves(const float* weight, int in_features, int out_features, std::uint16_t* packed);

struct ProductPost {
  bool accumulate = false;  ///< add what y holds
  bool relu = false;
};
/// y = relu?(x W^T + bias + (accumulate ? y : 0)). x: (rows, in_features), rows x_stride apart; y:
/// (rows, out_features), rows y_stride apart.
void packed_product(const PackedWeight& weight, const float* x, std::size_t x_stride, int rows,
                    float* y, std::size_t y_stride, const ProductPost& post, int threads);

/// The same in items that threads share out, for callers inside a parallel region of their own.
struct ProductItems {
  std::size_t blocks, groups;  ///< of outputs, of rows
  int threads;                 ///< as many as it is worth
  std::size_t count() const { return blocks * groups; }
};
ProductItems packed_items(const PackedWeight& weight, int rows, int threads);
void run_packed_items(const PackedWeight& weight, const ProductItems& items, std::size_t begin,
                      std::size_t end, const float* x, std::size_t x_stride, int rows, float* y,
                      std::size_t y_stride, const ProductPost& post);

}  // namespace sidenet::kernels::cpu
