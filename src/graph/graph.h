#pragma once

#include <memory>
#include <string>
#include <vector>

#include "operation.h"

namespace sidenet {

using NodeId = int;

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
  NodeId add_input(const std::string& name, Shape shape);
  /// Throws Error, with the node's name, where the shapes do not fit.
  NodeId add(const std::string& name, std::shared_ptr<const Operation> operation, std::vector<NodeId> inputs);
  void add_alias(NodeId node, const std::string& name);
  /// Marks a node that gives logits as an exit. The last one marked is MainNet's own.
  void add_exit(const std::string& name, NodeId node);
  /// A node whose value is read from outside although no exit needs it.
  void keep(NodeId node) { kept_.push_back(node); }

  const std::vector<Node>& nodes() const { return nodes_; }
  const Node& node(NodeId id) const { return nodes_[static_cast<std::size_t>(id)]; }
  const std::vector<GraphExit>& exits() const { return exits_; }
  const std::vector<NodeId>& kept() const { return kept_; }
  /// The node of that name or alias; -1 where there is none.
  NodeId find(const std::string& name) const;
  std::vector<Shape> input_shapes(NodeId id) const;
  std::int64_t multiply_adds(NodeId id) const;

 private:
  friend Graph fuse_nodes(const Graph& graph);
  std::vector<Node> nodes_;
  std::vector<GraphExit> exits_;
  std::vector<NodeId> kept_;
};

/// Merges each node with its only consumer where the operations know how (conv2d takes batch norm, add, ReLU). Exits
/// and kept nodes keep their values.
Graph fuse_nodes(const Graph& graph);

}  // namespace sidenet
