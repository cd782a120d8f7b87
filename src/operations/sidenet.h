#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "sidenet/tensor.h"
#include "token_pool.h"

namespace sidenet::ops {

/// How a tap becomes features: an image's is averaged to grid x grid, a text's tokens as `tokens`
/// says.
struct ExitPooling {
  int grid = 1;
  TokenPooling tokens = TokenPooling::cls_mean;
};

/// A SideNet (arXiv 2007.13512, section 3): logits = fc2(relu(fc1((x - mean) / std))) of a tap's
/// pooled features x, which are in (channel, y, x) order.
struct SideNet {
  Tensor mean, std;             ///< (features) of the training rows
  Tensor fc1_weight, fc1_bias;  ///< (hidden, features), (hidden)
  Tensor fc2_weight, fc2_bias;  ///< (classes, hidden), (classes)
  ExitPooling pooling{};

  /// The node of exit NAME: "exits.NAME".
  static std::string node_name(const std::string& exit) { return "exits." + exit; }
  /// What the names of its tensors in a model begin with: "exits.NAME.".
  static std::string scope(const std::string& exit) { return node_name(exit) + "."; }
  /// Whether a model's tensor of this name belongs to a SideNet.
  static bool owns(const std::string& name) { return name.starts_with("exits."); }
  /// The one of that exit. Throws Error where a tensor is missing.
  static SideNet from(const std::map<std::string, Tensor>& weights, const std::string& exit,
                      const ExitPooling& pooling);
  /// Of mean 0, deviation 1 and weights 0, float32.
  static SideNet zeros(std::int64_t features, std::int64_t hidden, std::int64_t classes,
                       const ExitPooling& pooling);
  /// Writes the tensors under that exit, over those that are there.
  void put(std::map<std::string, Tensor>& weights, const std::string& exit) const;

  /// Throws Error where the tensors disagree, are empty, or a deviation is not above 0.
  void check() const;
  std::int64_t features() const { return fc1_weight.dim(1); }
  std::int64_t hidden() const { return fc1_weight.dim(0); }
  std::int64_t classes() const { return fc2_weight.dim(0); }
  std::int64_t multiply_adds() const { return fc1_weight.size() + fc2_weight.size(); }
  std::int64_t parameters() const;
};

}  // namespace sidenet::ops
