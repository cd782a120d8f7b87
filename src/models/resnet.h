#pragma once

#include <optional>
#include <string>
#include <vector>

#include "architecture.h"

namespace sidenet::models {

/// What a residual network's state dict tells by its names and shapes.
struct ResNetConfig {
  std::vector<int> blocks;  ///< one a stage
  bool bottleneck = false;  ///< 1x1, 3x3, 1x1 blocks
  int in_channels = 3;
  int stem_kernel = 3;  ///< 7: stride 2 and max pooling behind, as for ImageNet; 3: neither
  int groups = 1;       ///< of the 3x3 convolutions (ResNeXt, arXiv 1611.05431)
  int width = 64;       ///< channels of the first 3x3 convolution
  int stem_channels = 64;
  int classes = 0;
  /// Module of the 1x1 shortcuts: "downsample" or "shortcut"; empty: option A.
  std::string shortcut;
  std::string head;  ///< "fc", "linear" or "classifier"

  bool is_cifar() const { return blocks.size() == 3; }
  /// "resnet50", "resnext50_32x4d", "wide_resnet50_2", "cifar_resnet56", …
  std::string name() const;
};

/// Reads the configuration off the weights; nothing where they are no residual network. Throws
/// Error where they look like one and something is missing.
std::optional<ResNetConfig> recognise_resnet(const Weights& weights);

/// Residual networks: arXiv 1512.03385 for ImageNet (figure 3, with torchvision's stride in the 3x3
/// convolution) and for CIFAR-10 (section 4.2); ResNeXt; wide ones (arXiv 1605.07146).
Graph build_resnet(const ResNetConfig& config, const Weights& weights, const Shape& input_shape);

Architecture describe_resnet(const ResNetConfig& config);

}  // namespace sidenet::models
