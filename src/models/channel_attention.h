#pragma once

#include <string>

#include "module.h"

namespace sidenet::models {

/// "squeeze-excite", "efficient" (arXiv 1910.03151), or "" where a block has none that is known.
std::string channel_attention_of(const Weights& block);

/// x with each channel scaled by what its block's attention gives; x itself where it has none.
/// Squeeze-and-excitation (arXiv 1709.01507) is read from linear layers and 1x1 convolutions under
/// the names that collections have for them.
NodeId attend(Module block, NodeId x);

}  // namespace sidenet::models
