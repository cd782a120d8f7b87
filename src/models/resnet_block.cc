#include "resnet_block.h"

#include "add.h"
#include "blur_pool.h"
#include "channel_attention.h"
#include "checked.h"
#include "pad_shortcut.h"
#include "pool2d.h"

namespace sidenet::models {
namespace {

using ops::Add, ops::BlurPool, ops::Conv2dParameters, ops::PadShortcut, ops::Pool2d;

/// The sizes of a block's layers.
struct Widths {
  std::int64_t first = 0, middle = 0, out = 0;
};

Widths widths_of(const ResNetConfig& config, const Weights& block) {
  Widths widths;
  widths.first = block.get_rank("conv1.weight", 4).dim(0);
  widths.middle = block.get_rank("conv2.weight", 4).dim(0);
  widths.out = config.bottleneck ? block.get_rank("conv3.weight", 4).dim(0) : widths.middle;
  return widths;
}

class Block {
 public:
  Block(const ResNetConfig& config, Module module, const BlockPlace& place)
      : config_(config),
        module_(module),
        place_(place),
        widths_(widths_of(config, module.weights)) {}

  NodeId build(NodeId x) {
    const bool in_front = config_.norms == Norms::in_front;
    const NodeId first = in_front ? normed(1, x) : x;
    NodeId y = attend(module_, config_.bottleneck ? bottleneck(first) : basic(first));
    const bool is_activated = in_front && config_.shortcut_activated && has_projection();
    y = module_.graph.add(module_.path("add"), std::make_shared<Add>(),
                          {y, shortcut(is_activated ? first : x)});
    return in_front ? y : activate(module_, "relu", y);
  }

 private:
  // arXiv 1512.03385, figure 5, left: two 3x3 convolutions.
  NodeId basic(NodeId x) {
    const bool second = config_.stride_in_second;
    x = spatial(1, x, {widths_.first, place_.in_channels, 3, 3}, second ? 1 : place_.stride,
                place_.first_dilation, 1);
    return spatial(2, between(1, x), {widths_.out, widths_.first, 3, 3}, second ? place_.stride : 1,
                   place_.dilation, 1);
  }

  // Figure 5, right: 1x1 down, 3x3 (grouped in ResNeXt), 1x1 up.
  NodeId bottleneck(NodeId x) {
    const bool first = config_.stride_in_1x1;
    x = convolve(1, x, {widths_.first, place_.in_channels, 1, 1},
                 {.stride = first ? place_.stride : 1});
    x = spatial(2, between(1, x), {widths_.middle, widths_.first / config_.groups, 3, 3},
                first ? 1 : place_.stride, place_.first_dilation, config_.groups);
    return convolve(3, between(2, x), {widths_.out, widths_.middle, 1, 1}, {});
  }

  // A 3x3 convolution. Smoothing takes its stride over, behind norm and activation.
  NodeId spatial(int number, NodeId x, const Shape& weight, int stride, int dilation, int groups) {
    smooths_ = stride == 2 && config_.smoothing != Smoothing::none;
    return convolve(number, x, weight,
                    {.stride = smooths_ ? 1 : stride,
                     .padding = dilation,
                     .dilation = dilation,
                     .groups = groups});
  }

  // Convolution `number`, and its norm where that stands behind.
  NodeId convolve(int number, NodeId x, const Shape& weight, const Conv2dParameters& parameters) {
    const std::string n = std::to_string(number);
    x = convolution(module_, "conv" + n, x, weight, parameters);
    return config_.norms == Norms::behind ? norm(module_, "bn" + n, x) : x;
  }

  // From convolution `number` to the next.
  NodeId between(int number, NodeId x) {
    x = config_.norms == Norms::in_front ? normed(number + 1, x)
                                         : activate(module_, "relu" + std::to_string(number), x);
    if (!smooths_) return x;
    smooths_ = false;
    return smooth(config_, module_, "aa", x);
  }

  NodeId normed(int number, NodeId x) {
    const std::string n = std::to_string(number);
    return activate(module_, "relu" + n, norm(module_, "bn" + n, x));
  }

  bool has_projection() const {
    return !config_.shortcut.empty() &&
           find_projection(module_.weights, config_.shortcut).has_value();
  }

  NodeId shortcut(NodeId x) {
    if (has_projection()) return projection(x);
    if (place_.in_channels == widths_.out && place_.stride == 1) return x;
    if (!config_.shortcut.empty())  // says what is missing
      module_.weights.get(config_.shortcut + ".0.weight", {widths_.out, place_.in_channels, 1, 1});
    return padded(x);
  }

  NodeId projection(NodeId x) {
    const Projection found = *find_projection(module_.weights, config_.shortcut);
    int stride = place_.stride;
    if (found.averages && stride > 1) {
      x = module_.graph.add(
          module_.path(config_.shortcut + ".0"),
          std::make_shared<Pool2d>(Pool2d::Kind::average, stride, stride, 0, true), {x});
      stride = 1;
    }
    const std::int64_t kernel = module_.weights.get_rank(found.conv + ".weight", 4).dim(2);
    const std::int64_t expected = kernel == 3 ? 3 : 1;  // 3: of SENet-154
    x = convolution(module_, found.conv, x, {widths_.out, place_.in_channels, expected, expected},
                    {.stride = stride, .padding = static_cast<int>(expected / 2)});
    const bool is_normed =
        config_.norms == Norms::behind || module_.weights.has(found.norm + ".weight");
    return is_normed && config_.norms != Norms::fused ? norm(module_, found.norm, x) : x;
  }

  // Section 3.3, option A.
  NodeId padded(NodeId x) {
    int stride = place_.stride;
    if (config_.shortcut_averages && stride > 1) {
      x = module_.graph.add(module_.path("shortcut.pool"),
                            std::make_shared<Pool2d>(Pool2d::Kind::average, stride, stride, 0),
                            {x});
      stride = 1;
    }
    const int added = checked_int(widths_.out - place_.in_channels, "shortcut");
    const int before = config_.zeros == Zeros::both     ? added / 2
                       : config_.zeros == Zeros::before ? added
                                                        : 0;
    return module_.graph.add(
        module_.path("shortcut"),
        std::make_shared<PadShortcut>(checked_int(widths_.out, "shortcut"), stride, before), {x});
  }

  const ResNetConfig& config_;
  Module module_;
  BlockPlace place_;
  Widths widths_;
  bool smooths_ = false;  ///< behind the convolution that was added last
};

}  // namespace

std::optional<Projection> find_projection(const Weights& block, const std::string& module) {
  const auto is_convolution = [&](const std::string& name) {
    const auto found = block.tensors().find(block.full_name(name + ".weight"));
    return found != block.tensors().end() && found->second.rank() == 4;
  };
  if (is_convolution(module + ".0")) return Projection{module + ".0", module + ".1", false};
  if (is_convolution(module + ".1")) return Projection{module + ".1", module + ".2", true};
  if (is_convolution(module)) return Projection{module, module + "_bn", false};
  return std::nullopt;
}

NodeId residual_block(const ResNetConfig& config, Module block, NodeId x, const BlockPlace& place) {
  return Block(config, block, place).build(x);
}

NodeId smooth(const ResNetConfig& config, Module module, const std::string& name, NodeId x) {
  std::shared_ptr<const Operation> operation;
  if (config.smoothing == Smoothing::blur) {
    operation = std::make_shared<BlurPool>(2);
  } else {
    operation = std::make_shared<Pool2d>(Pool2d::Kind::average, 2, 2, 0);
  }
  return module.graph.add(module.path(name), operation, {x});
}

}  // namespace sidenet::models
