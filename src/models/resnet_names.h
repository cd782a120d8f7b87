#pragma once

#include <string>

namespace sidenet::models {

/// A residual network's tensor name in the one form that the models use: "stage_1.0.conv_2.weight"
/// (EhanW's CIFAR code) becomes "layer1.0.conv2.weight". Names in that form already come back as
/// they are.
std::string clean_resnet_name(const std::string& name);

}  // namespace sidenet::models
