#include "module.h"

#include "batch_norm.h"
#include "elementwise.h"
#include "group_norm.h"

namespace sidenet::models {

NodeId convolution(Module module, const std::string& name, NodeId x, const Shape& weight_shape,
                   const ops::Conv2dParameters& parameters) {
  const Tensor weight = module.weights.get(name + ".weight", weight_shape);
  const Tensor bias = module.weights.has(name + ".bias")
                          ? module.weights.get(name + ".bias", {weight.dim(0)})
                          : Tensor();
  return module.graph.add(module.path(name),
                          std::make_shared<ops::Conv2d>(weight, bias, parameters), {x});
}

NodeId norm(Module module, const std::string& name, NodeId x) {
  const std::int64_t channels = module.graph.node(x).shape[0];
  if (module.norm_groups == 0)
    return module.graph.add(module.path(name), batch_norm(module, name, channels), {x});
  const Weights weights = module.weights.sub(name);
  return module.graph.add(module.path(name),
                          std::make_shared<ops::GroupNorm>(weights.get("weight", {channels}),
                                                           weights.get("bias", {channels}),
                                                           module.norm_groups, module.epsilon),
                          {x});
}

NodeId conv_bn(Module module, const std::string& conv, const std::string& bn, NodeId x,
               const Shape& weight_shape, int stride, int groups, std::optional<int> padding) {
  const auto kernel = static_cast<int>(weight_shape[2]);
  return norm(module, bn,
              convolution(module, conv, x, weight_shape,
                          {stride, padding.value_or(kernel / 2), 1, groups}));
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
