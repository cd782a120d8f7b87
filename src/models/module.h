#pragma once

#include <string>

#include "graph.h"
#include "weights.h"

namespace sidenet::models {

/// The weights of one module, and where its nodes go.
struct Module {
  Graph& graph;
  Weights weights;
  std::string path(const std::string& name) const { return weights.full_name(name); }
};

/// A convolution without a change of size (stride 1) or halving it (stride 2), and its batch norm.
/// weight_shape: (out, in / groups, k, k). A bias is used where there is one.
NodeId conv_bn(Module module, const std::string& conv, const std::string& bn, NodeId x,
               const Shape& weight_shape, int stride, int groups = 1);
NodeId relu(Module module, const std::string& name, NodeId x);

}  // namespace sidenet::models
