#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "checked.h"
#include "operation.h"
#include "sidenet/exit_policy.h"

namespace sidenet {

using NodeId = int;

/// Multiply-adds of a node: of a row with t tokens, per_row + per_token t + per_token_pair t^2.
/// What does not fit 63 bits stays at the largest number.
struct Cost {
  std::int64_t per_row = 0, per_token = 0, per_token_pair = 0;
  std::int64_t of(std::int64_t rows, std::int64_t tokens, std::int64_t token_pairs) const {
    return saturating_add(saturating_mul(per_row, rows),
                          saturating_add(saturating_mul(per_token, tokens),
                                         saturating_mul(per_token_pair, token_pairs)));
  }
  Cost& operator+=(const Cost& other);
};

/// The length of text that shares of compute are told for.
inline constexpr std::int64_t kUsualTokens = 128;

struct Node {
  std::string name;                            ///< PyTorch module path
  std::vector<std::string> aliases;            ///< other names of its output: "layer1.0", "layer1"
  std::shared_ptr<const Operation> operation;  ///< null: an input
  std::vector<NodeId> inputs;                  ///< all smaller than the node's own id
  Shape shape;                                 ///< of one row
};

/// A graph node that may end a row's way: it reads a tap and gives logits.
struct GraphExit {
  std::string name;
  NodeId node = 0;
};

/// Named nodes in topological order. Shapes are inferred as nodes are added.
class Graph {
 public:
  /// Numbers of a value of one row (of texts: one token), and its height and width at most: kernels
  /// count them in ints.
  static constexpr std::int64_t kMostElements = (std::int64_t{1} << 31) - 1, kMostPixels = 1 << 24;
  /// Ten times the nodes of the deepest networks that are known: what a file can ask for beyond
  /// takes memory without end.
  static constexpr std::size_t kMostNodes = 1 << 15;

  NodeId add_input(const std::string& name, Shape shape);
  /// Throws Error, with the node's name, where the number of inputs or their shapes do not fit, or
  /// what it gives is larger than the limits above.
  NodeId add(const std::string& name, std::shared_ptr<const Operation> operation,
             std::vector<NodeId> inputs);
  void add_alias(NodeId node, const std::string& name);
  /// Marks a node that gives logits as an exit. MainNet's own is kFinalExit.
  void add_exit(const std::string& name, NodeId node);
  /// A node whose value is read from outside although no exit needs it.
  void keep(NodeId node) { kept_.push_back(node); }

  const std::vector<Node>& nodes() const { return nodes_; }
  const Node& node(NodeId id) const { return nodes_[static_cast<std::size_t>(id)]; }
  const std::vector<GraphExit>& exits() const { return exits_; }
  /// The node of the exit kFinalExit; -1 where there is none.
  NodeId final_exit() const;
  const std::vector<NodeId>& kept() const { return kept_; }
  /// The node of that name or alias; -1 where there is none.
  NodeId find(const std::string& name) const;
  std::vector<Shape> input_shapes(NodeId id) const;
  Cost cost(NodeId id) const;
  /// For one row; of texts, one of kUsualTokens.
  std::int64_t multiply_adds(NodeId id) const {
    return cost(id).of(1, kUsualTokens, kUsualTokens * kUsualTokens);
  }

 private:
  friend Graph fuse_nodes(Graph graph);
  NodeId append(Node node);
  void know(const std::string& name, NodeId node);

  std::vector<Node> nodes_;
  std::map<std::string, NodeId>
      by_name_;  // names and aliases; sorted, as a file that chooses names could make them collide
  std::vector<GraphExit> exits_;
  std::vector<NodeId> kept_;
};

/// Merges each node with its only consumer where the operations know how (conv2d takes batch norm,
/// add, ReLU). Exits and kept nodes keep their values.
Graph fuse_nodes(Graph graph);

}  // namespace sidenet
