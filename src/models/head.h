#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "activation.h"
#include "architecture.h"
#include "module.h"

namespace sidenet::models {

struct HeadLayer {
  enum class Kind { linear, batch_norm, activation };
  Kind kind = Kind::linear;
  std::string module;  ///< "fc.3"; of an activation: the layer in front of it
};

/// What stands behind a network's features: one linear layer, or several with batch norms and
/// activations between them.
struct Head {
  std::vector<HeadLayer> layers;
  int features = 0;  ///< that it reads
  int classes = 0;   ///< logits of its last layer; 2 of one logit that is a sigmoid's
  kernels::Activation activation = kernels::Activation::relu;
  bool is_sigmoid = false;  ///< its logit z is answered as (0, z)

  bool has_activation() const;
  std::string text() const;  ///< "fc.0, relu, fc.3"
};

/// The settings that find_head() reads.
std::map<std::string, std::string> head_settings();

/// The head of the modules that the setting `head` lists in their order; else of the first of the
/// `usual` names that a module has, or of fc1, fc2, … where each reads what the one before gives.
/// Nothing where there is none. A module is a linear layer, a batch norm, or nn.Sequential with
/// such. Between two linear layers stands `head_activation` (ReLU where nobody says), unless the
/// numbers of an nn.Sequential leave no room for it. Throws Error where a module is none of these,
/// or a setting does not fit.
std::optional<Head> find_head(const Weights& weights, std::span<const char* const> usual,
                              const Settings& settings);

/// Adds what a weight does not tell of the head, and of which layers it is.
void assume_head(const Head& head, const Settings& settings, std::vector<Assumption>& assumptions);

/// Its layers behind features, which may come in two parts of one size, (features / 2) each, that
/// stand side by side. Returns the node of the logits.
NodeId build_head(const Head& head, Module net, std::vector<NodeId> parts);

/// Throws Error where the head has one logit and no setting says what of.
void refuse_one_logit(const Architecture& architecture, const std::string& file);

}  // namespace sidenet::models
