#pragma once

#include <optional>
#include <string>
#include <vector>

#include "activation.h"
#include "architecture.h"
#include "head.h"

namespace sidenet::models {

/// What a residual network's state dict tells by its names and shapes, and what it does not tell.
struct ResNetConfig {
  std::vector<int> blocks;  ///< one a stage
  bool bottleneck = false;  ///< 1x1, 3x3, 1x1 blocks
  int in_channels = 3;
  int stem_kernel = 3;
  int groups = 1;  ///< of the 3x3 convolutions (ResNeXt, arXiv 1611.05431)
  int width = 64;  ///< channels of the first 3x3 convolution
  int stem_channels = 64;
  /// Module of the 1x1 shortcuts: "downsample" or "shortcut"; empty: option A.
  std::string shortcut;
  Head head;

  // Not in the weights: read_settings().
  int stem_stride = 1;         ///< default: 2 of a 7x7 kernel, as for ImageNet
  int stem_padding = 1;        ///< default: half the kernel
  bool stem_pool = false;      ///< max, 3x3, stride 2; default: behind a 7x7 kernel
  std::vector<int> strides;    ///< one a stage; default: 1, 2, 2, …
  bool stride_in_1x1 = false;  ///< of bottlenecks: in the first convolution (Caffe), not the 3x3
  bool zeros_behind = false;   ///< of option A: all new channels behind, not half of them before
  double epsilon = 1e-5;       ///< of batch norms
  kernels::Activation activation = kernels::Activation::relu;

  bool is_cifar() const { return blocks.size() == 3; }
  /// "resnet50", "resnext50_32x4d", "wide_resnet50_2", "cifar_resnet56", …
  std::string name() const;
};

/// Reads the configuration off the weights; nothing where they are no residual network. Throws
/// Error where they look like one and something is missing.
std::optional<ResNetConfig> recognise_resnet(const Weights& weights, const Settings& settings);

/// What the weights do not tell: `settings` where they are given, else the usual. Throws Error
/// where one has no such value, or does not fit.
void read_settings(const Weights& weights, const Settings& settings, ResNetConfig& config);
std::vector<Assumption> assumptions_of(const ResNetConfig& config, const Settings& settings);

/// Residual networks: arXiv 1512.03385 for ImageNet (figure 3, with torchvision's stride in the 3x3
/// convolution) and for CIFAR-10 (section 4.2); ResNeXt; wide ones (arXiv 1605.07146).
Graph build_resnet(const ResNetConfig& config, const Weights& weights, const Shape& input_shape);

Architecture describe_resnet(const ResNetConfig& config, const Settings& settings);

}  // namespace sidenet::models
