#pragma once

#include <memory>
#include <optional>
#include <string>

#include "activation.h"
#include "conv2d.h"
#include "graph.h"
#include "weights.h"

namespace sidenet::models {

/// The weights of one module, where its nodes go, and what a whole network has alike.
struct Module {
  Graph& graph;
  Weights weights;
  double epsilon = 1e-5;  ///< of batch norms
  kernels::Activation activation = kernels::Activation::relu;
  int norm_groups = 0;  ///< of group norms; 0: batch norms
  std::string path(const std::string& name) const { return weights.full_name(name); }
};

/// weight_shape: (out, in / groups, k, k). A bias is used where there is one.
NodeId convolution(Module module, const std::string& name, NodeId x, const Shape& weight_shape,
                   const ops::Conv2dParameters& parameters);
/// A batch norm or group norm of x's channels.
NodeId norm(Module module, const std::string& name, NodeId x);
/// Both. weight_shape: (out, in / groups, k, k). Without `padding` it
/// is half the kernel: no change of size with stride 1, half of it with stride 2.
NodeId conv_bn(Module module, const std::string& conv, const std::string& bn, NodeId x,
               const Shape& weight_shape, int stride, int groups = 1,
               std::optional<int> padding = {});
std::shared_ptr<const Operation> batch_norm(Module module, const std::string& name,
                                            std::int64_t channels);
NodeId activate(Module module, const std::string& name, NodeId x);

}  // namespace sidenet::models
