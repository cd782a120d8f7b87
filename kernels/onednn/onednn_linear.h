#pragma once

#include <memory>
#include <span>

#include "activation.h"
#include "linear_kernel.h"

namespace sidenet::kernels::onednn {

/// A linear layer by oneDNN's matrix product. Rows go in tiles of `tile_rows`, the last one padded,
/// each on one thread: oneDNN may sum in another order for another number of rows or threads. Null
/// where oneDNN has no implementation, or this build no oneDNN. Throws Error.
std::unique_ptr<LinearKernel> make_linear(int in_features, std::span<const LinearWeights> parts,
                                          Activation activation, int tile_rows);

}  // namespace sidenet::kernels::onednn
