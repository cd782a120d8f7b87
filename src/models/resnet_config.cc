#include <array>

#include "channel_attention.h"
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

// Stages layer1, layer2, … and the blocks of each.
void read_stages(const Weights& weights, ResNetConfig& config) {
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
  if (config.blocks.size() >= 2) return;
  const std::string seen = diagnose(weights);
  throw Error(weights.file() + ": expected 3 (CIFAR) or 4 (ImageNet) stages layer1, layer2, …, " +
              "found " + std::to_string(config.blocks.size()) +
              (seen.empty() ? "; no tensor 'layer" + std::to_string(config.blocks.size() + 1) +
                                  ".0.conv1.weight'"
                            : seen));
}

void read_stem(const Weights& weights, ResNetConfig& config) {
  config.deep_stem = !weights.has("conv1.weight");
  const std::string first = config.deep_stem ? "conv1.0.weight" : "conv1.weight";
  const Tensor stem = weights.get_rank(first, 4);
  const std::int64_t out =
      config.deep_stem ? weights.get_rank("conv1.6.weight", 4).dim(0) : stem.dim(0);
  config.stem_channels = static_cast<int>(out);
  config.in_channels = static_cast<int>(stem.dim(1));
  config.stem_kernel = static_cast<int>(stem.dim(2));
  if (stem.dim(2) != stem.dim(3) ||
      (stem.dim(2) != 3 && (config.deep_stem || (stem.dim(2) != 5 && stem.dim(2) != 7)))) {
    throw Error(weights.file() + ": tensor '" + first + "': expected a " +
                (config.deep_stem ? "3x3" : "3x3, 5x5 or 7x7") + " kernel, got " +
                to_string(stem.shape()));
  }
  if (config.in_channels != 1 && config.in_channels != 3) {
    throw Error(weights.file() + ": tensor '" + first + "': expected 1 or 3 input channels, got " +
                to_string(stem.shape()));
  }
  config.stem_conv_pool = weights.has("maxpool.0.weight");
}

void read_blocks(const Weights& weights, ResNetConfig& config) {
  config.bottleneck = weights.has("layer1.0.conv3.weight");
  const Tensor middle = weights.get_rank("layer1.0.conv2.weight", 4);
  config.width = static_cast<int>(middle.dim(0));
  const std::int64_t in = weights.get_rank("layer1.0.conv1.weight", 4).dim(0);
  if (middle.dim(1) < 1 || in % middle.dim(1) != 0 || middle.dim(0) % (in / middle.dim(1)) != 0) {
    throw Error(weights.file() + ": tensor 'layer1.0.conv2.weight': " + to_string(middle.shape()) +
                " is no grouped convolution of equal width");
  }
  config.groups = static_cast<int>(in / middle.dim(1));
  const std::string last = "layer" + std::to_string(config.blocks.size()) + "." +
                           std::to_string(config.blocks.back() - 1) +
                           (config.bottleneck ? ".conv3.weight" : ".conv2.weight");
  config.channels = static_cast<int>(weights.get_rank(last, 4).dim(0));
  config.attention = channel_attention_of(weights.sub("layer1").sub("0"));
  for (const char* name : {"downsample", "shortcut", "convShortcut", "conv_shortcut"}) {
    for (std::size_t s = 1; s <= config.blocks.size(); ++s) {
      const auto found = find_projection(weights.sub("layer" + std::to_string(s)).sub("0"), name);
      if (!found) continue;
      config.shortcut = name;
      config.shortcut_means = found->averages;
    }
  }
}

}  // namespace

std::string ResNetConfig::name() const {
  const bool is_pre = norms == Norms::in_front;
  const int depth = layers(*this);
  // Wide ones count the shortcuts' convolutions too (arXiv 1605.07146, section 3).
  const std::int64_t narrow = std::int64_t{4} * stem_channels;
  if (is_cifar() && is_pre && !bottleneck && !shortcut.empty() && channels > narrow &&
      channels % narrow == 0)
    return "cifar_wrn" + std::to_string(depth + 2) + "_" + std::to_string(channels / narrow);
  std::string base = is_pre ? "preact_" : "";
  if (!attention.empty()) base += attention == "efficient" ? "eca" : "se";
  const std::string letter = !deep_stem ? "" : shortcut_means ? "d" : "c";
  const std::string size = std::to_string(depth) + letter;
  if (is_cifar()) return "cifar_" + base + "resnet" + size;
  if (stem_conv_pool && shortcut_means && attention == "squeeze-excite")
    return "resnetrs" + std::to_string(depth);
  if (groups > 1)
    return base + "resnext" + size + "_" + std::to_string(groups) + "x" +
           std::to_string(width / groups) + "d";
  if (bottleneck && width % 64 == 0 && width > 64)
    return base + "wide_resnet" + size + "_" + std::to_string(width / 64);
  return base + "resnet" + size;
}

std::optional<ResNetConfig> recognise_resnet(const Weights& weights, const Settings& settings) {
  const bool is_deep = weights.has("conv1.0.weight") && weights.has("conv1.3.weight") &&
                       weights.has("conv1.6.weight");
  if ((!weights.has("conv1.weight") && !is_deep) || !weights.has("layer1.0.conv1.weight"))
    return std::nullopt;
  ResNetConfig config;
  read_stem(weights, config);
  read_stages(weights, config);
  read_blocks(weights, config);
  read_norms(weights, config);
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
  const bool large = config.is_large();
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
