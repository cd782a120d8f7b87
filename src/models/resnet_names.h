#pragma once

#include <map>
#include <optional>
#include <string>

#include "family.h"

namespace sidenet::models {

/// Gives a residual network's tensors torchvision's names: conv1, bn1, layer1.0.conv1, …,
/// downsample or shortcut, and the head's own. Read are torchvision's, EhanW's (stage_1.0.conv_2),
/// transformers' (encoder.stages.0.layers.0.layer.0), pytorch-cifar100's
/// (conv2_x.0.residual_function.0), and nn.Sequential of a network's children (4.0.conv1), fastai's
/// for one. A head beside the network's wrapper ("head.fc" of "backbone.conv1") comes in.
/// Settings: what the numbers of an nn.Sequential tell. Nothing, with nothing changed, where there
/// is no such network. Throws Error where two tensors get one name. `file` is named in messages.
std::optional<CleanedNames> clean_resnet_names(std::map<std::string, Tensor>& tensors,
                                               const std::string& file);

}  // namespace sidenet::models
