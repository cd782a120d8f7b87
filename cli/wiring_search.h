#pragma once

#include <string>

#include "sidenet/batch.h"
#include "sidenet/model.h"

namespace sidenet::tools {

/// Where a checkpoint of images, imported with `options`, does not give PyTorch's logits: the
/// options with which it would, "--stem-pool none --epsilon 0.001"; one or two of the usual ones
/// are tried on the first rows. Empty: none of them, or of texts.
std::string wiring_that_agrees(const std::string& checkpoint, const ImportOptions& options,
                               const Batch& inputs, const Tensor& logits);

}  // namespace sidenet::tools
