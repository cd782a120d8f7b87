#include "channel_attention.h"

#include <array>
#include <optional>

#include "channel_conv.h"
#include "elementwise.h"
#include "flatten.h"
#include "gate_channels.h"
#include "linear.h"
#include "pool2d.h"

namespace sidenet::models {
namespace {

struct Pair {
  const char *squeeze, *excite;
};

// timm's, torch's sequences of linear layers or convolutions, NVIDIA's, Cadene's, weiaicunzai's and
// kuangliu's.
constexpr std::array kSqueezes{Pair{"se.fc1", "se.fc2"},
                               Pair{"se.fc.0", "se.fc.2"},
                               Pair{"se.fc.1", "se.fc.3"},
                               Pair{"se.0", "se.2"},
                               Pair{"se.1", "se.3"},
                               Pair{"se.squeeze", "se.expand"},
                               Pair{"squeeze", "expand"},
                               Pair{"se.se.0", "se.se.2"},
                               Pair{"se.se.1", "se.se.3"},
                               Pair{"se_module.fc1", "se_module.fc2"},
                               Pair{"se_layer.fc.0", "se_layer.fc.2"},
                               Pair{"excitation.0", "excitation.2"},
                               Pair{"fc1", "fc2"}};
constexpr std::array kEfficient{"se.conv", "eca.conv"};

bool has_weight(const Weights& block, const std::string& module) {
  return block.has(module + ".weight");
}

std::optional<Pair> squeeze_of(const Weights& block) {
  for (const Pair& pair : kSqueezes) {
    if (has_weight(block, pair.squeeze) && has_weight(block, pair.excite)) return pair;
  }
  return std::nullopt;
}

const char* efficient_of(const Weights& block) {
  for (const char* module : kEfficient) {
    if (has_weight(block, module)) return module;
  }
  return nullptr;
}

// A linear layer, or a 1x1 convolution of what has one pixel.
NodeId linear(Module block, const std::string& name, NodeId x, std::int64_t out) {
  const Weights layer = block.weights.sub(name);
  const std::int64_t in = block.graph.node(x).shape[0];
  const auto weight = layer.tensors().find(layer.full_name("weight"))->second;
  const Shape shape = weight.rank() == 4 ? Shape{out, in, 1, 1} : Shape{out, in};
  const Tensor checked = layer.get("weight", shape);
  const Tensor bias = layer.has("bias") ? layer.get("bias", {checked.dim(0)}) : Tensor();
  return block.graph.add(block.path(name),
                         std::make_shared<ops::Linear>(checked.reshape({checked.dim(0), in}), bias),
                         {x});
}

}  // namespace

std::string channel_attention_of(const Weights& block) {
  if (squeeze_of(block)) return "squeeze-excite";
  return efficient_of(block) ? "efficient" : "";
}

NodeId attend(Module block, NodeId x) {
  const auto squeeze = squeeze_of(block.weights);
  const char* efficient = efficient_of(block.weights);
  if (!squeeze && !efficient) return x;
  Graph& graph = block.graph;
  const std::int64_t channels = graph.node(x).shape[0];
  NodeId gate =
      graph.add(block.path("attention.pool"), std::make_shared<ops::AdaptiveAvgPool2d>(1), {x});
  gate = graph.add(block.path("attention.flatten"), std::make_shared<ops::Flatten>(), {gate});
  if (squeeze) {
    gate = linear(block, squeeze->squeeze, gate, -1);
    gate = graph.add(block.path("attention.relu"),
                     std::make_shared<ops::Elementwise>(kernels::Activation::relu), {gate});
    gate = linear(block, squeeze->excite, gate, channels);
  } else {
    gate = graph.add(block.path(efficient),
                     std::make_shared<ops::ChannelConv>(
                         block.weights.get(std::string(efficient) + ".weight", {1, 1, -1})),
                     {gate});
  }
  return graph.add(block.path("attention"), std::make_shared<ops::GateChannels>(), {x, gate});
}

}  // namespace sidenet::models
