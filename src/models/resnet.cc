#include "resnet.h"

#include <algorithm>

#include "flatten.h"
#include "module.h"
#include "pool2d.h"
#include "resnet_block.h"

namespace sidenet::models {
namespace {

using ops::AdaptiveAvgPool2d, ops::Flatten, ops::GlobalMaxPool2d, ops::Pool2d;

// Convolutions of a deep stem in front of its last, and their norms: conv1.0, conv1.1, ReLU, ….
NodeId deep_stem(const ResNetConfig& config, Module net, NodeId x) {
  for (const int number : {0, 3}) {
    const std::string name = "conv1." + std::to_string(number);
    const std::int64_t in = net.graph.node(x).shape[0];
    x = convolution(net, name, x, {-1, in, 3, 3},
                    {.stride = number == 0 ? config.stem_stride : 1,
                     .padding = number == 0 ? config.stem_padding : 1});
    if (config.norms != Norms::fused) x = norm(net, "conv1." + std::to_string(number + 1), x);
    x = activate(net, "conv1." + std::to_string(number + 2), x);
  }
  return convolution(net, "conv1.6", x, {-1, net.graph.node(x).shape[0], 3, 3}, {.padding = 1});
}

NodeId stem_pool(const ResNetConfig& config, Module net, NodeId x) {
  const std::int64_t channels = net.graph.node(x).shape[0];
  const bool is_smoothed = config.smoothing != Smoothing::none;
  if (config.stem_conv_pool) {
    x = convolution(net, "maxpool.0", x, {channels, channels, 3, 3}, {.stride = 2, .padding = 1});
    return activate(net, "maxpool.2", norm(net, "maxpool.1", x));
  }
  if (config.smoothing == Smoothing::average) return smooth(config, net, "maxpool", x);
  x = net.graph.add("maxpool",
                    std::make_shared<Pool2d>(Pool2d::Kind::max, 3, is_smoothed ? 1 : 2, 1), {x});
  return is_smoothed ? smooth(config, net, "maxpool.aa", x) : x;
}

NodeId stem(const ResNetConfig& config, Module net, NodeId x) {
  if (config.deep_stem) {
    x = deep_stem(config, net, x);
  } else {
    x = convolution(
        net, "conv1", x,
        {config.stem_channels, config.in_channels, config.stem_kernel, config.stem_kernel},
        {.stride = config.stem_stride, .padding = config.stem_padding});
  }
  if (config.stem_norm) x = norm(net, "bn1", x);
  if (config.stem_norm || config.norms == Norms::fused) x = activate(net, "relu", x);
  return config.stem_pool || config.stem_conv_pool ? stem_pool(config, net, x) : x;
}

NodeId stages(const ResNetConfig& config, Module net, NodeId x) {
  int reached = config.stem_stride * (config.stem_pool || config.stem_conv_pool ? 2 : 1);
  int dilation = 1;
  for (std::size_t s = 0; s < config.blocks.size(); ++s) {
    const std::string stage = "layer" + std::to_string(s + 1);
    BlockPlace place;
    place.stride = config.strides[s];
    place.first_dilation = dilation;
    if (reached >= config.output_stride) {
      dilation *= place.stride;
      place.stride = 1;
    }
    reached = std::min(reached * place.stride, ResNetConfig::kAnyStride - 1);
    for (int b = 0; b < config.blocks[s]; ++b) {
      const Module block{net.graph, net.weights.sub(stage).sub(std::to_string(b)), config.epsilon,
                         config.activation, config.norm_groups};
      place.in_channels = net.graph.node(x).shape[0];
      place.dilation = dilation;
      x = residual_block(config, block, x, place);
      net.graph.add_alias(x, stage + "." + std::to_string(b));
      place.stride = 1;
      place.first_dilation = dilation;
    }
    net.graph.add_alias(x, stage);
  }
  return x;
}

// The pooled features, in one part or two.
std::vector<NodeId> head_inputs(const ResNetConfig& config, Graph& graph, NodeId x) {
  std::vector<NodeId> inputs;
  const auto add = [&](const std::string& name, std::shared_ptr<const Operation> pool) {
    const NodeId pooled = graph.add(name, std::move(pool), {x});
    const std::string flat = inputs.empty() ? "flatten" : "flatten_second";
    inputs.push_back(graph.add(flat, std::make_shared<Flatten>(), {pooled}));
  };
  const HeadPool pool = config.head_pool;
  if (pool == HeadPool::average || pool == HeadPool::average_max)
    add("avgpool", std::make_shared<AdaptiveAvgPool2d>(1));
  if (pool != HeadPool::average) add("maxpool_head", std::make_shared<GlobalMaxPool2d>());
  if (pool == HeadPool::max_average) add("avgpool", std::make_shared<AdaptiveAvgPool2d>(1));
  return inputs;
}

}  // namespace

Graph build_resnet(const ResNetConfig& config, const Weights& weights, const Shape& input_shape) {
  Graph graph;
  const Module net{graph, weights, config.epsilon, config.activation, config.norm_groups};
  NodeId x = stem(config, net, graph.add_input("input", input_shape));
  x = stages(config, net, x);
  if (!config.last_norm.empty()) x = activate(net, "last_relu", norm(net, config.last_norm, x));
  graph.add_exit(kFinalExit, build_head(config.head, net, head_inputs(config, graph, x)));
  return graph;
}

}  // namespace sidenet::models
