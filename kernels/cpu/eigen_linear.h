#pragma once

#include <memory>
#include <span>

#include "activation.h"
#include "linear_kernel.h"

namespace sidenet::kernels::cpu {

/// A linear layer by Eigen's matrix product. Rows go in tiles of `tile_rows`, the last one padded:
/// Eigen sums in an order that depends on how many rows it gets, so it always gets as many.
/// tile_rows: a multiple of 8, so that no row of a tile is a remainder of Eigen's own tiles.
std::unique_ptr<LinearKernel> make_eigen_linear(int in_features,
                                                std::span<const LinearWeights> parts,
                                                Activation activation, int tile_rows);

}  // namespace sidenet::kernels::cpu
