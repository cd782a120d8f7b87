#include <array>

#include "diagnosis.h"
#include "resnet.h"
#include "sidenet/error.h"

namespace sidenet::models {
namespace {

// As networks and libraries call it.
constexpr std::array kUsualHeads{"fc",
                                 "linear",
                                 "classifier",
                                 "last_linear",
                                 "head",
                                 "logits",
                                 "output",
                                 "out",
                                 "cls_head",
                                 "heads",
                                 "last_layer",
                                 "fc_out",
                                 "classification_head",
                                 "clf"};

int count_blocks(const Weights& stage) {
  int count = 0;
  while (stage.has(std::to_string(count) + ".conv1.weight")) ++count;
  return count;
}

int layers(const ResNetConfig& config) {
  int convolutions = 0;
  for (const int blocks : config.blocks) convolutions += blocks * (config.bottleneck ? 3 : 2);
  return convolutions + 2;
}

// Matrices are layers that could be the head, or a part of one.
[[noreturn]] void refuse_headless(const Weights& weights) {
  constexpr std::size_t kMost = 5;
  std::string found;
  std::size_t count = 0;
  for (const auto& [name, tensor] : weights.tensors()) {
    if (tensor.rank() != 2 || !name.ends_with(".weight") || ++count > kMost) continue;
    found += (found.empty() ? "'" : ", '") + name + "' " + to_string(tensor.shape());
  }
  throw Error(
      weights.file() +
      ": no classification head: expected fc, linear, classifier, head or the like, found " +
      (found.empty() ? "features alone"
                     : found + ": --head MODULE says that it is that one, several in their order"));
}

// GroupNorm and InstanceNorm have no running statistics; fused networks have no norm at all.
void check_norms(const Weights& weights) {
  if (!weights.has("bn1.weight") && weights.has("conv1.bias"))
    throw Error(weights.file() +
                ": no batch norm 'bn1', although there is 'conv1.bias': a network "
                "whose norms are fused, or that has none, is not read");
  if (weights.has("bn1.weight") && !weights.has("bn1.running_var"))
    throw Error(weights.file() +
                ": no tensor 'bn1.running_var': expected batch norms, got another "
                "norm (GroupNorm, say)");
  const bool is_behind_stem =
      weights.has("bn1.weight") &&
      weights.get_rank("bn1.weight", 1).dim(0) == weights.get_rank("conv1.weight", 4).dim(0);
  if (!is_behind_stem && weights.has("layer1.0.bn1.running_var"))
    throw Error(weights.file() +
                ": no batch norm 'bn1' of the stem's channels: expected norms "
                "behind convolutions, got them in front (a pre-activation ResNet)");
}

}  // namespace

std::string ResNetConfig::name() const {
  const std::string depth = std::to_string(layers(*this));
  if (is_cifar()) return "cifar_resnet" + depth;
  if (groups > 1)
    return "resnext" + depth + "_" + std::to_string(groups) + "x" + std::to_string(width / groups) +
           "d";
  if (bottleneck && width % 64 == 0 && width > 64)
    return "wide_resnet" + depth + "_" + std::to_string(width / 64);
  return "resnet" + depth;
}

std::optional<ResNetConfig> recognise_resnet(const Weights& weights, const Settings& settings) {
  if (!weights.has("conv1.weight") || !weights.has("layer1.0.conv1.weight")) return std::nullopt;
  ResNetConfig config;
  const Tensor stem = weights.get_rank("conv1.weight", 4);
  config.stem_channels = static_cast<int>(stem.dim(0));
  config.in_channels = static_cast<int>(stem.dim(1));
  config.stem_kernel = static_cast<int>(stem.dim(2));
  if (stem.dim(2) != stem.dim(3) || (stem.dim(2) != 3 && stem.dim(2) != 7)) {
    throw Error(weights.file() + ": tensor 'conv1.weight': expected a 3x3 or 7x7 kernel, got " +
                to_string(stem.shape()));
  }
  if (config.in_channels != 1 && config.in_channels != 3) {
    throw Error(weights.file() + ": tensor 'conv1.weight': expected 1 or 3 input channels, got " +
                to_string(stem.shape()));
  }
  for (int s = 1; count_blocks(weights.sub("layer" + std::to_string(s))) > 0; ++s) {
    const std::string stage = "layer" + std::to_string(s);
    config.blocks.push_back(count_blocks(weights.sub(stage)));
    const std::string next = stage + "." + std::to_string(config.blocks.back()) + ".";
    const auto other = weights.tensors().lower_bound(next);
    if (other != weights.tensors().end() && other->first.starts_with(next)) {
      throw Error(weights.file() + ": no tensor '" + next + "conv1.weight', although there is '" +
                  other->first + "'");
    }
  }
  if (config.blocks.size() < 2) {
    const std::string seen = diagnose(weights);
    throw Error(weights.file() +
                ": expected 3 (CIFAR) or 4 (ImageNet) stages layer1, layer2, …, "
                "found " +
                std::to_string(config.blocks.size()) +
                (seen.empty() ? "; no tensor 'layer" + std::to_string(config.blocks.size() + 1) +
                                    ".0.conv1.weight'"
                              : seen));
  }
  check_norms(weights);
  config.bottleneck = weights.has("layer1.0.conv3.weight");
  const Tensor middle = weights.get_rank("layer1.0.conv2.weight", 4);
  config.width = static_cast<int>(middle.dim(0));
  if (middle.dim(1) < 1 || middle.dim(0) % middle.dim(1) != 0) {
    throw Error(weights.file() + ": tensor 'layer1.0.conv2.weight': " + to_string(middle.shape()) +
                " is no grouped convolution of equal width");
  }
  config.groups = static_cast<int>(middle.dim(0) / middle.dim(1));
  for (const char* name : {"downsample", "shortcut"}) {
    for (std::size_t s = 1; s <= config.blocks.size(); ++s) {
      if (weights.has("layer" + std::to_string(s) + ".0." + name + ".0.weight"))
        config.shortcut = name;
    }
  }
  auto head = find_head(weights, kUsualHeads, settings);
  if (!head) refuse_headless(weights);
  config.head = *std::move(head);
  read_settings(weights, settings, config);
  return config;
}

Architecture describe_resnet(const ResNetConfig& config, const Settings& settings) {
  Architecture result;
  result.settings = settings;
  result.assumptions = assumptions_of(config, settings);
  result.name = config.name();
  result.classes = config.head.classes;
  const bool large = config.stem_kernel == 7;
  const int size = large ? 224 : 32;
  result.input_shape = {config.in_channels, size, size};
  result.preprocessing = imagenet_preprocessing(config.in_channels);
  if (!large) {
    result.preprocessing.resize = size;
    result.preprocessing.crop = 0;
  }
  return result;
}

}  // namespace sidenet::models
