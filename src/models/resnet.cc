#include "resnet.h"

#include "add.h"
#include "checked.h"
#include "flatten.h"
#include "module.h"
#include "pad_shortcut.h"
#include "pool2d.h"

namespace sidenet::models {
namespace {

using ops::Add, ops::AdaptiveAvgPool2d, ops::Flatten, ops::PadShortcut, ops::Pool2d;

NodeId shortcut(const ResNetConfig& config, Module block, NodeId x, std::int64_t in,
                std::int64_t out, int stride) {
  if (!config.shortcut.empty() && block.weights.has(config.shortcut + ".0.weight")) {
    return conv_bn(block, config.shortcut + ".0", config.shortcut + ".1", x, {out, in, 1, 1},
                   stride);
  }
  if (in == out && stride == 1) return x;
  if (!config.shortcut.empty())
    block.weights.get(config.shortcut + ".0.weight", {out, in, 1, 1});  // says what is missing
  return block.graph.add(block.path("shortcut"),
                         std::make_shared<PadShortcut>(
                             checked_int(out, "shortcut"), stride,
                             config.zeros_behind ? 0 : checked_int(out - in, "shortcut") / 2),
                         {x});
}

// Figure 5, left: two 3x3 convolutions.
NodeId basic_block(const ResNetConfig& config, Module block, NodeId x, std::int64_t in,
                   std::int64_t out, int stride) {
  NodeId y = conv_bn(block, "conv1", "bn1", x, {out, in, 3, 3}, stride);
  y = activate(block, "relu1", y);
  y = conv_bn(block, "conv2", "bn2", y, {out, out, 3, 3}, 1);
  return block.graph.add(block.path("add"), std::make_shared<Add>(),
                         {y, shortcut(config, block, x, in, out, stride)});
}

// Figure 5, right: 1x1 down, 3x3 (grouped in ResNeXt), 1x1 up.
NodeId bottleneck_block(const ResNetConfig& config, Module block, NodeId x, std::int64_t in,
                        std::int64_t width, std::int64_t out, int stride) {
  NodeId y =
      conv_bn(block, "conv1", "bn1", x, {width, in, 1, 1}, config.stride_in_1x1 ? stride : 1);
  y = activate(block, "relu1", y);
  y = conv_bn(block, "conv2", "bn2", y, {width, width / config.groups, 3, 3},
              config.stride_in_1x1 ? 1 : stride, config.groups);
  y = activate(block, "relu2", y);
  y = conv_bn(block, "conv3", "bn3", y, {out, width, 1, 1}, 1);
  return block.graph.add(block.path("add"), std::make_shared<Add>(),
                         {y, shortcut(config, block, x, in, out, stride)});
}

}  // namespace

Graph build_resnet(const ResNetConfig& config, const Weights& weights, const Shape& input_shape) {
  Graph graph;
  const Module net{graph, weights, config.epsilon, config.activation};
  NodeId x = graph.add_input("input", input_shape);
  const std::int64_t stem = config.stem_channels;
  x = conv_bn(net, "conv1", "bn1", x,
              {stem, config.in_channels, config.stem_kernel, config.stem_kernel},
              config.stem_stride, 1, config.stem_padding);
  x = activate(net, "relu", x);
  if (config.stem_pool)
    x = graph.add("maxpool", std::make_shared<Pool2d>(Pool2d::Kind::max, 3, 2, 1), {x});

  std::int64_t in = stem;
  for (std::size_t s = 0; s < config.blocks.size(); ++s) {
    const std::string stage = "layer" + std::to_string(s + 1);
    for (int b = 0; b < config.blocks[s]; ++b) {
      const Module block{graph, weights.sub(stage).sub(std::to_string(b)), config.epsilon,
                         config.activation};
      const int stride = b == 0 ? config.strides[s] : 1;
      const std::int64_t width = block.weights.get_rank("conv1.weight", 4).dim(0);
      std::int64_t out = width;
      if (config.bottleneck) {
        out = block.weights.get_rank("conv3.weight", 4).dim(0);
        x = bottleneck_block(config, block, x, in, width, out, stride);
      } else {
        x = basic_block(config, block, x, in, out, stride);
      }
      x = activate(block, "relu", x);
      graph.add_alias(x, stage + "." + std::to_string(b));
      in = out;
    }
    graph.add_alias(x, stage);
  }
  x = graph.add("avgpool", std::make_shared<AdaptiveAvgPool2d>(1), {x});
  x = graph.add("flatten", std::make_shared<Flatten>(), {x});
  x = build_head(config.head, net, x);
  graph.add_exit(kFinalExit, x);
  return graph;
}

}  // namespace sidenet::models
