#include "module.h"

#include "batch_norm.h"
#include "conv2d.h"
#include "elementwise.h"

namespace sidenet::models {

NodeId conv_bn(Module module, const std::string& conv, const std::string& bn, NodeId x,
               const Shape& weight_shape, int stride, int groups, std::optional<int> padding) {
  const auto kernel = static_cast<int>(weight_shape[2]);
  const std::int64_t out = weight_shape[0];
  const Tensor weight = module.weights.get(conv + ".weight", weight_shape);
  const Tensor bias =
      module.weights.has(conv + ".bias") ? module.weights.get(conv + ".bias", {out}) : Tensor();
  x = module.graph.add(
      module.path(conv),
      std::make_shared<ops::Conv2d>(
          weight, bias, ops::Conv2dParameters{stride, padding.value_or(kernel / 2), 1, groups}),
      {x});
  return module.graph.add(module.path(bn), batch_norm(module, bn, out), {x});
}

std::shared_ptr<const Operation> batch_norm(Module module, const std::string& name,
                                            std::int64_t channels) {
  const Weights norm = module.weights.sub(name);
  return std::make_shared<ops::BatchNorm>(
      norm.get("weight", {channels}), norm.get("bias", {channels}),
      norm.get("running_mean", {channels}), norm.get("running_var", {channels}), module.epsilon);
}

NodeId activate(Module module, const std::string& name, NodeId x) {
  return module.graph.add(module.path(name), std::make_shared<ops::Elementwise>(module.activation),
                          {x});
}

}  // namespace sidenet::models
