#pragma once

#include <optional>
#include <string>
#include <vector>

#include "activation.h"
#include "architecture.h"
#include "head.h"

namespace sidenet::models {

/// Where batch norms stand: behind convolutions (arXiv 1512.03385), in front of them (arXiv
/// 1603.05027), or nowhere, as they are part of the convolutions.
enum class Norms { behind, in_front, fused };
/// Where option A's new channels are, which are zero.
enum class Zeros { both, behind, before };
/// What replaces a stride against aliasing (arXiv 1904.11486).
enum class Smoothing { none, average, blur };

/// What a head reads of all pixels: both side by side are fastai's and timm's ways.
enum class HeadPool { average, max, max_average, average_max };

/// What a residual network's state dict tells by its names and shapes, and what it does not tell.
struct ResNetConfig {
  std::vector<int> blocks;  ///< one a stage
  bool bottleneck = false;  ///< 1x1, 3x3, 1x1 blocks
  int in_channels = 3;
  int stem_kernel = 3;
  bool deep_stem = false;       ///< three 3x3 convolutions (arXiv 1812.01187, ResNet-C and -D)
  bool stem_conv_pool = false;  ///< a convolution for the stem's max pooling (arXiv 2103.07579)
  int groups = 1;               ///< of the 3x3 convolutions (ResNeXt, arXiv 1611.05431)
  int width = 64;               ///< channels of the first 3x3 convolution
  int stem_channels = 64;
  int channels = 0;  ///< of the last stage
  Norms norms = Norms::behind;
  bool stem_norm = true;     ///< behind the stem, "bn1"
  bool group_norms = false;  ///< norms without running statistics
  std::string last_norm;     ///< behind the blocks, where norms stand in front; empty: none
  std::string attention;     ///< channel_attention_of() its blocks
  /// Module of the 1x1 shortcuts: "downsample" or "shortcut", say; empty: option A.
  std::string shortcut;
  bool shortcut_means = false;  ///< 1x1 shortcuts average what they stride over (ResNet-D)
  Head head;

  // Not in the weights: read_settings().
  int stem_stride = 1;       ///< default: 2 of a 7x7 kernel or a deep stem, as for ImageNet
  int stem_padding = 1;      ///< default: half the kernel
  bool stem_pool = false;    ///< max, 3x3, stride 2; default: where the stem's stride is 2
  std::vector<int> strides;  ///< one a stage; default: 1, 2, 2, …
  static constexpr int kAnyStride = 1 << 29;
  int output_stride = kAnyStride;  ///< where it is reached, dilation is in the place of stride
  bool stride_in_1x1 = false;     ///< of bottlenecks: in the first convolution (Caffe), not the 3x3
  bool stride_in_second = false;  ///< of basic blocks: in the second convolution
  Zeros zeros = Zeros::both;      ///< of option A
  bool shortcut_averages = false;   ///< of option A: means, not every second pixel
  bool shortcut_activated = false;  ///< of 1x1 shortcuts, where norms stand in front
  Smoothing smoothing = Smoothing::none;
  HeadPool head_pool = HeadPool::average;
  int norm_groups = 0;    ///< of group norms; 0: batch norms
  double epsilon = 1e-5;  ///< of batch norms
  kernels::Activation activation = kernels::Activation::relu;

  bool is_cifar() const { return blocks.size() == 3; }
  bool is_large() const { return stem_kernel == 7 || deep_stem; }
  /// "resnet50", "resnext50_32x4d", "wide_resnet50_2", "seresnet18", "cifar_resnet56", …
  std::string name() const;
};

/// The 1x1 convolution of a block's shortcut.
struct Projection {
  std::string conv, norm;
  bool averages = false;  ///< a pooling stands in front of it
};
/// Nothing where the block has none under `module`.
std::optional<Projection> find_projection(const Weights& block, const std::string& module);

/// Reads the configuration off the weights; nothing where they are no residual network. Throws
/// Error where they look like one and something is missing.
std::optional<ResNetConfig> recognise_resnet(const Weights& weights, const Settings& settings);

/// Where norms stand: ResNetConfig's norms, stem_norm and last_norm, of its other fields. Throws
/// Error where a norm is not where it should be.
void read_norms(const Weights& weights, ResNetConfig& config);

/// What the weights do not tell: `settings` where they are given, else the usual. Throws Error
/// where one has no such value, or does not fit.
void read_settings(const Weights& weights, const Settings& settings, ResNetConfig& config);
/// The settings that read_settings() knows.
std::vector<std::string> resnet_settings();
std::vector<Assumption> assumptions_of(const ResNetConfig& config, const Settings& settings);

/// Residual networks: arXiv 1512.03385 for ImageNet (figure 3, with torchvision's stride in the 3x3
/// convolution) and for CIFAR-10 (section 4.2); ResNeXt; wide ones (arXiv 1605.07146), those with
/// norms in front, ResNet-C and -D, channel attention.
Graph build_resnet(const ResNetConfig& config, const Weights& weights, const Shape& input_shape);

Architecture describe_resnet(const ResNetConfig& config, const Settings& settings);

}  // namespace sidenet::models
