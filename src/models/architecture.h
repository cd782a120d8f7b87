#pragma once

#include <map>
#include <string>
#include <vector>

#include "graph.h"
#include "sidenet/model.h"
#include "weights.h"

namespace sidenet::models {

/// Which network a state dict is.
struct Architecture {
  std::string family;  ///< "resnet"
  std::string name;    ///< "resnet50", "cifar_resnet56", …
  int classes = 0;
  Shape input_shape;            ///< one row at the family's usual size, (C, H, W)
  Preprocessing preprocessing;  ///< the family's default
};

/// Recognises a network by the names and shapes of its weights. Throws Error where it is none that is known, or not the
/// `expected` one (empty: any); the message says what was looked for.
Architecture recognise(const Weights& weights, const std::string& expected);

/// The MainNet of that architecture, for rows of `input_shape`; its output node is named "final". Throws Error where a
/// weight is missing, a shape is wrong or the input does not fit.
Graph build_graph(const Architecture& architecture, const Weights& weights, const Shape& input_shape);

/// Weights of `architecture`, by name, that MainNet does not use (a fine-tuning leftover, say).
std::vector<std::string> unused_weights(const Architecture& architecture, const Weights& weights);

}  // namespace sidenet::models
