#pragma once

#include <map>
#include <string>

#include "sidenet/tensor.h"

namespace sidenet::models {

/// A tensor's name with torchvision's names for modules that tutorials and collections call
/// otherwise, and which compute the same:
///   - stages: "conv2_x", "stages.0", "layers.0" are "layer1";
///   - a block's layers in an nn.Sequential: "left.0", "left.1", "left.3" are "conv1", "bn1",
///   "conv2";
///   - its 1x1 shortcut: "right.0", "skip.0", "identity_downsample.0" are "shortcut.0";
///   - the stem: "pre.0", "conv1.0", "stem.conv" are "conv1";
///   - pytorchcv's "init_block", "stage1.unit1.body.conv1.conv", "identity_conv".
/// `tensors` show which layer a module is. Other names come back as they are.
std::string with_usual_modules(const std::map<std::string, Tensor>& tensors,
                               const std::string& name);

}  // namespace sidenet::models
