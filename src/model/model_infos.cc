#include "model_infos.h"

#include <algorithm>

#include "exit_graph.h"
#include "sidenet.h"
#include "sidenet/exit_policy.h"

namespace sidenet {
namespace {

std::vector<std::pair<float, float>> pairs_of(const ConfidenceMap& map) {
  std::vector<std::pair<float, float>> pairs;
  for (std::size_t i = 0; i < map.x().size(); ++i) pairs.emplace_back(map.x()[i], map.y()[i]);
  return pairs;
}

ExitInfo describe(const ExitSpec& exit, bool of_texts) {
  ExitInfo info;
  info.name = exit.name;
  info.tap = exit.tap;
  info.pool = of_texts ? 0 : exit.pooling.grid;
  if (of_texts) info.token_pool = exit.pooling.tokens;
  info.hidden = exit.hidden;
  info.temperature = exit.temperature;
  info.threshold = exit.threshold;
  info.confidence_map = pairs_of(exit.map);
  return info;
}

// Of `final`.
ExitInfo describe_final(const ModelData& data) {
  ExitInfo info;
  if (data.head) {
    info = describe(*data.head, data.is_text());
  } else {
    info.name = kFinalExit;
    info.temperature = data.final_temperature;
    info.confidence_map = pairs_of(data.final_map);
    info.tap = data.graph->node(data.graph->final_exit()).name;
  }
  info.threshold = 0;
  info.compute_share = 1;
  return info;
}

}  // namespace

std::vector<ExitInfo> describe_exits(const ModelData& data) {
  const Graph& graph = *data.graph;
  const std::vector<double> shares = compute_shares(graph);
  const auto total = static_cast<double>(std::max<std::int64_t>(mainnet_multiply_adds(graph), 1));
  std::vector<ExitInfo> result;
  for (const ExitSpec& exit : data.exits) {
    const NodeId tap = graph.find(exit.tap), head = graph.find(ops::SideNet::node_name(exit.name));
    ExitInfo info = describe(exit, data.is_text());
    info.compute_share = shares[static_cast<std::size_t>(tap)] +
                         static_cast<double>(graph.multiply_adds(head)) / total;
    result.push_back(std::move(info));
  }
  if (data.has_final()) result.push_back(describe_final(data));
  return result;
}

std::vector<std::pair<std::string, double>> describe_taps(const Graph& mainnet) {
  const Graph executed = optimised(mainnet);
  const std::vector<double> shares = compute_shares(executed);
  std::vector<std::pair<std::string, double>> result;
  for (const Node& node : mainnet.nodes()) {
    for (const std::string& alias : node.aliases)
      result.emplace_back(alias, shares[static_cast<std::size_t>(executed.find(alias))]);
  }
  return result;
}

std::vector<NodeInfo> describe_nodes(const Graph& executed) {
  std::vector<NodeInfo> result;
  for (std::size_t i = 0; i < executed.nodes().size(); ++i) {
    const Node& node = executed.nodes()[i];
    const auto id = static_cast<NodeId>(i);
    result.push_back({node.name, node.operation ? node.operation->kind() : "input", node.shape,
                      executed.multiply_adds(id),
                      node.operation ? node.operation->parameters() : 0});
  }
  return result;
}

}  // namespace sidenet
