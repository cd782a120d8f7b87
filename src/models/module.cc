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
  const Weights norm = module.weights.sub(bn);
  return module.graph.add(
      module.path(bn),
      std::make_shared<ops::BatchNorm>(norm.get("weight", {out}), norm.get("bias", {out}),
                                       norm.get("running_mean", {out}),
                                       norm.get("running_var", {out}), module.epsilon),
      {x});
}

NodeId activate(Module module, const std::string& name, NodeId x) {
  return module.graph.add(module.path(name), std::make_shared<ops::Elementwise>(module.activation),
                          {x});
}

}  // namespace sidenet::models
