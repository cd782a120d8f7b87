#include <array>

#include "resnet.h"
#include "sidenet/error.h"

namespace sidenet::models {
namespace {

std::string block_of(std::size_t stage, int block) {
  return "layer" + std::to_string(stage + 1) + "." + std::to_string(block) + ".";
}

// A norm in front of a convolution has its inputs' channels, one behind it its outputs'. The first
// block whose convolution changes the number of channels tells.
bool stand_in_front(const Weights& weights, const ResNetConfig& config) {
  for (std::size_t s = 0; s < config.blocks.size(); ++s) {
    for (int b = 0; b < config.blocks[s]; ++b) {
      const std::string block = block_of(s, b);
      if (!weights.has(block + "bn1.weight")) continue;
      const Tensor conv = weights.get_rank(block + "conv1.weight", 4);
      const std::int64_t channels = weights.get_rank(block + "bn1.weight", 1).dim(0);
      if (conv.dim(0) != conv.dim(1)) return channels == conv.dim(1);
    }
  }
  return false;
}

// Whether norms were computed into the convolutions in front of them, which then have biases.
void check_fused(const Weights& weights, const ResNetConfig& config) {
  const auto require = [&](const std::string& convolution) {
    if (weights.has(convolution + ".bias")) return;
    throw Error(weights.file() + ": no batch norm 'layer1.0.bn1', and no tensor '" + convolution +
                ".bias': expected norms, or biases that they were fused into");
  };
  require(config.deep_stem ? "conv1.0" : "conv1");
  for (std::size_t s = 0; s < config.blocks.size(); ++s) {
    for (int b = 0; b < config.blocks[s]; ++b) {
      const std::string block = block_of(s, b);
      for (const char* name : {"conv1", "conv2", "conv3"}) {
        if (weights.has(block + name + ".weight")) require(block + name);
        const std::string number(1, name[4]);
        if (weights.has(block + "bn" + number + ".weight"))
          throw Error(weights.file() + ": no tensor 'layer1.0.bn1.weight', although there is '" +
                      block + "bn" + number + ".weight'");
      }
    }
  }
}

// The norm behind the last block, and whether there is one behind the stem: both can be "bn1".
void read_outer_norms(const Weights& weights, ResNetConfig& config) {
  const auto fits = [&](const char* name, int channels) {
    const std::string weight = std::string(name) + ".weight";
    return weights.has(weight) && weights.get_rank(weight, 1).dim(0) == channels;
  };
  for (const char* name : {"bn", "norm", "bn2", "final_bn", "bn_final", "bn_last", "last_bn"}) {
    if (config.last_norm.empty() && fits(name, config.channels)) config.last_norm = name;
  }
  const bool fits_both = config.stem_channels == config.channels;
  if (weights.has("bn1.weight") && fits_both && config.last_norm.empty())
    throw Error(weights.file() +
                ": 'bn1' has the channels of the stem and of the last stage: expected a "
                "pre-activation ResNet whose sizes tell which it is behind");
  config.stem_norm = fits("bn1", config.stem_channels);
  if (!config.stem_norm && config.last_norm.empty() && fits("bn1", config.channels))
    config.last_norm = "bn1";
}

}  // namespace

void read_norms(const Weights& weights, ResNetConfig& config) {
  const std::string first = "layer1.0.bn1";
  if (!weights.has(first + ".weight") && !weights.has("bn1.weight")) {
    check_fused(weights, config);
    config.norms = Norms::fused;
    config.stem_norm = false;
    return;
  }
  for (const std::string& norm : {first, std::string("bn1")}) {
    if (weights.has(norm + ".weight") && !weights.has(norm + ".running_var"))
      config.group_norms = true;
  }
  if (!stand_in_front(weights, config)) return;
  config.norms = Norms::in_front;
  read_outer_norms(weights, config);
}

}  // namespace sidenet::models
