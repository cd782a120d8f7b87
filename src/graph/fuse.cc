#include <utility>

#include "graph.h"

namespace sidenet {
namespace {

// How often each node's value is read: by nodes, as an exit, or from outside.
std::vector<int> count_readers(const Graph& graph) {
  std::vector<int> readers(graph.nodes().size(), 0);
  for (const Node& node : graph.nodes()) {
    for (const NodeId input : node.inputs) ++readers[static_cast<std::size_t>(input)];
  }
  for (const auto& exit : graph.exits()) ++readers[static_cast<std::size_t>(exit.node)];
  for (const NodeId kept : graph.kept()) ++readers[static_cast<std::size_t>(kept)];
  return readers;
}

// The consumer takes the producer in: it stands where the consumer stood, so that its other inputs
// are there before it.
bool merge_into(std::vector<Node>& nodes, std::vector<bool>& gone, const std::vector<int>& readers,
                std::size_t consumer) {
  Node& next = nodes[consumer];
  for (std::size_t operand = 0; operand < next.inputs.size(); ++operand) {
    const auto producer = static_cast<std::size_t>(next.inputs[operand]);
    const Node& first = nodes[producer];
    if (!first.operation || readers[producer] != 1) continue;
    std::shared_ptr<const Operation> fused = first.operation->fuse(*next.operation, operand);
    if (!fused) continue;
    std::vector<NodeId> inputs = first.inputs;
    for (std::size_t i = 0; i < next.inputs.size(); ++i) {
      if (i != operand) inputs.push_back(next.inputs[i]);
    }
    next.aliases.push_back(next.name);
    next.aliases.insert(next.aliases.end(), first.aliases.begin(), first.aliases.end());
    next.name = first.name;
    next.operation = std::move(fused);
    next.inputs = std::move(inputs);
    gone[producer] = true;
    return true;
  }
  return false;
}

}  // namespace

Graph fuse_nodes(Graph graph) {
  // A merge hands what the producer reads to its consumer, so that these numbers stay true of all
  // nodes that are left.
  const std::vector<int> readers = count_readers(graph);
  std::vector<Node> nodes = std::move(graph.nodes_);
  std::vector<bool> gone(nodes.size(), false);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (!nodes[i].operation) continue;
    while (merge_into(nodes, gone, readers, i)) {
    }
  }
  Graph result;
  std::vector<NodeId> renumbered(nodes.size(), -1);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (gone[i]) continue;
    for (NodeId& input : nodes[i].inputs) input = renumbered[static_cast<std::size_t>(input)];
    renumbered[i] = result.append(std::move(nodes[i]));
  }
  for (const auto& exit : graph.exits_)
    result.add_exit(exit.name, renumbered[static_cast<std::size_t>(exit.node)]);
  for (const NodeId kept : graph.kept_) result.keep(renumbered[static_cast<std::size_t>(kept)]);
  return result;
}

}  // namespace sidenet
