#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "sidenet/tensor.h"

namespace sidenet::models {

/// A tensor's name as a message shows it: of a long one the end, behind an ellipsis.
std::string shown_name(const std::string& name);

/// Named weights, looked up by scope: `weights.sub("layer1").sub("0").get("conv1.weight", {64, 64,
/// 3, 3})`.
class Weights {
 public:
  /// `file` is named in messages. The map must outlive this and all its sub-scopes.
  Weights(const std::map<std::string, Tensor>& tensors, std::string file)
      : root_(std::make_shared<Root>(tensors, std::move(file))) {}

  Weights sub(const std::string& scope) const;
  bool has(const std::string& name) const { return root_->tensors.count(prefix_ + name) > 0; }
  /// Throws Error with file, full name, expected and got, where it is missing or its shape differs.
  /// -1 matches any extent.
  Tensor get(const std::string& name, const Shape& expected) const;
  /// Any shape of that rank.
  Tensor get_rank(const std::string& name, std::size_t rank) const;
  std::string full_name(const std::string& name) const { return prefix_ + name; }
  const std::string& file() const { return root_->file; }
  const std::map<std::string, Tensor>& tensors() const { return root_->tensors; }
  /// Names that get() has not handed out so far, from any scope of the same root: once a graph is
  /// built, what the network does not use (a leftover of pre-training, say).
  std::vector<std::string> unused() const;

 private:
  // What all scopes have in common.
  struct Root {
    const std::map<std::string, Tensor>& tensors;
    const std::string file;
    std::set<std::string> used;
    Root(const std::map<std::string, Tensor>& all, std::string name)
        : tensors(all), file(std::move(name)) {}
  };

  std::shared_ptr<Root> root_;
  std::string prefix_;
};

}  // namespace sidenet::models
