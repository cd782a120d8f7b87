#include "exit_graph.h"

#include <algorithm>
#include <utility>

#include "checked.h"
#include "exit_head.h"
#include "first_tokens.h"
#include "named_errors.h"
#include "sidenet/error.h"

namespace sidenet {

Graph optimised(Graph graph) { return fuse_nodes(ops::compute_first_tokens(std::move(graph))); }

Graph build_mainnet_graph(const ModelData& data, const Shape& input_shape) {
  return models::build_graph(data.architecture, models::Weights(data.weights, data.source),
                             input_shape);
}

NodeId find_tap(const Graph& graph, const std::string& tap, const std::string& source) {
  const NodeId id = graph.find(tap);
  if (id >= 0 && graph.node(id).operation) return id;
  std::string known;
  for (const Node& node : graph.nodes()) {
    if (!node.aliases.empty()) known += (known.empty() ? "" : ", ") + node.aliases.back();
  }
  throw Error(source + ": no node '" + tap + "' to tap; there are " + known);
}

namespace {

// mainnet: its number of nodes; what comes behind are exits, which nobody taps.
void add_exit(const ModelData& data, const ExitSpec& exit, NodeId mainnet, Graph& graph) {
  const NodeId tap = find_tap(graph, exit.tap, data.source);
  const bool is_head = exit.name == kFinalExit;
  if (tap >= mainnet || (is_head && tap != mainnet - 1)) {
    throw Error(data.source + ": exit '" + exit.name + "': expected a tap " +
                (is_head ? "at MainNet's last layer" : "inside MainNet") + ", got '" + exit.tap +
                "'");
  }
  const ops::SideNet sidenet = naming_file(
      data.source, [&] { return ops::SideNet::from(data.weights, exit.name, exit.pooling); });
  std::shared_ptr<const Operation> head;
  try {
    head = std::make_shared<ops::ExitHead>(sidenet);
  } catch (const Error& error) {
    throw Error(data.source + ": exit '" + exit.name + "': " + error.what());
  }
  if (sidenet.hidden() != exit.hidden) {
    throw Error(data.source + ": exit '" + exit.name + "': hidden: expected " +
                std::to_string(sidenet.hidden()) + " (fc1.weight), got " +
                std::to_string(exit.hidden));
  }
  const NodeId node = graph.add(ops::SideNet::node_name(exit.name), head, {tap});
  if (graph.node(node).shape[0] != data.classes()) {
    throw Error(data.source + ": exit '" + exit.name + "': expected " +
                std::to_string(data.classes()) + " classes, got " +
                std::to_string(graph.node(node).shape[0]));
  }
  graph.add_exit(exit.name, node);
}

}  // namespace

Graph with_exits(Graph mainnet, const ModelData& data) {
  const auto nodes = static_cast<NodeId>(mainnet.nodes().size());
  for (const ExitSpec& exit : data.exits) add_exit(data, exit, nodes, mainnet);
  if (data.head) add_exit(data, *data.head, nodes, mainnet);
  return optimised(std::move(mainnet));
}

Graph build_exit_graph(const ModelData& data, const Shape& input_shape) {
  return with_exits(build_mainnet_graph(data, input_shape), data);
}

std::shared_ptr<const Graph> executed_graph(const ModelData& data, const Shape& input_shape) {
  if (input_shape == default_input_shape(data)) return data.graph;
  return std::make_shared<const Graph>(build_exit_graph(data, input_shape));
}

Graph mainnet_with_head(const ModelData& data, const Shape& input_shape) {
  Graph graph = input_shape == default_input_shape(data) ? *data.mainnet
                                                         : build_mainnet_graph(data, input_shape);
  if (data.head) add_exit(data, *data.head, static_cast<NodeId>(graph.nodes().size()), graph);
  return graph;
}

Shape default_input_shape(const ModelData& data) {
  if (data.is_text()) return {kTokens, 3};
  const int size = data.preprocessing.size();
  if (size == 0) return data.architecture.input_shape;
  return {data.architecture.input_shape[0], size, size};
}

namespace {

// For each node, MainNet's multiply-adds up to and with it.
std::vector<std::int64_t> multiply_adds_done(const Graph& graph) {
  std::vector<bool> is_side_exit(graph.nodes().size(), false);
  for (const auto& exit : graph.exits())
    is_side_exit[static_cast<std::size_t>(exit.node)] = exit.name != kFinalExit;
  std::vector<std::int64_t> result;
  std::int64_t done = 0;
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    if (!is_side_exit[i]) done = saturating_add(done, graph.multiply_adds(static_cast<NodeId>(i)));
    result.push_back(done);
  }
  return result;
}

}  // namespace

std::int64_t mainnet_multiply_adds(const Graph& graph) { return multiply_adds_done(graph).back(); }

std::vector<double> compute_shares(const Graph& graph) {
  const std::vector<std::int64_t> done = multiply_adds_done(graph);
  const auto all = static_cast<double>(std::max<std::int64_t>(done.back(), 1));
  std::vector<double> shares;
  for (const std::int64_t until : done) shares.push_back(static_cast<double>(until) / all);
  return shares;
}

}  // namespace sidenet
