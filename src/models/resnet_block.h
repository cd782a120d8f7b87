#pragma once

#include "module.h"
#include "resnet.h"

namespace sidenet::models {

/// Where a block stands.
struct BlockPlace {
  std::int64_t in_channels = 0;
  int stride = 1;
  int first_dilation = 1, dilation = 1;  ///< of its first 3x3 convolution, and of later ones
};

/// The block of a residual network whose weights `block` holds: its shortcut, and behind the sum
/// its activation, where norms stand behind convolutions. Returns the node of its output.
NodeId residual_block(const ResNetConfig& config, Module block, NodeId x, const BlockPlace& place);

/// `x` with its pixels averaged or blurred at a stride of 2, as the network avoids aliasing.
NodeId smooth(const ResNetConfig& config, Module module, const std::string& name, NodeId x);

}  // namespace sidenet::models
