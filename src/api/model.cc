#include "sidenet/model.h"

#include <algorithm>

#include "exit_graph.h"
#include "model_data.h"
#include "plan_cache.h"
#include "sidenet/error.h"

namespace sidenet {

Model make_model(ModelData data) {
  const Graph fused = build_exit_graph(data, default_input_shape(data));
  const auto position = [&](const ExitSpec& exit) { return fused.find(exit.tap); };
  std::stable_sort(data.exits.begin(), data.exits.end(),
                   [&](const ExitSpec& a, const ExitSpec& b) { return position(a) < position(b); });
  data.plans = std::make_shared<PlanCache>();
  return Model(std::make_shared<const ModelData>(std::move(data)));
}

const std::string& Model::architecture() const { return data_->architecture.name; }
const std::vector<std::string>& Model::labels() const { return data_->labels; }
const Preprocessing& Model::preprocessing() const { return data_->preprocessing; }
const std::vector<std::string>& Model::notes() const { return data_->notes; }
Shape Model::input_shape() const { return default_input_shape(*data_); }
std::map<std::string, Tensor> Model::tensors() const { return data_->weights; }

std::vector<ExitInfo> Model::exits() const {
  const Graph graph = build_exit_graph(*data_, input_shape());
  const std::vector<double> shares = compute_shares(graph);
  double total = 0;
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    const bool is_exit = std::any_of(graph.exits().begin(), graph.exits().end(), [&](const GraphExit& exit) {
      return exit.name != "final" && exit.node == static_cast<NodeId>(i);
    });
    if (!is_exit) total += static_cast<double>(graph.multiply_adds(static_cast<NodeId>(i)));
  }
  std::vector<ExitInfo> result;
  for (const ExitSpec& exit : data_->exits) {
    const NodeId tap = graph.find(exit.tap), head = graph.find("exits." + exit.name);
    result.push_back(
        {exit.name, exit.tap, exit.pool, exit.hidden, exit.temperature, exit.threshold,
         shares[static_cast<std::size_t>(tap)] + static_cast<double>(graph.multiply_adds(head)) / std::max(total, 1.0)});
  }
  result.push_back({"final", "", 0, 0, 1, 0, 1});
  for (const GraphExit& exit : graph.exits()) {
    if (exit.name == "final") result.back().tap = graph.node(exit.node).name;
  }
  return result;
}

std::vector<std::pair<std::string, double>> Model::taps() const {
  const Graph plain = build_mainnet_graph(*data_, input_shape());
  const Graph fused = fuse_nodes(plain);
  const std::vector<double> shares = compute_shares(fused);
  std::vector<std::pair<std::string, double>> result;
  for (const Node& node : plain.nodes()) {
    for (const std::string& alias : node.aliases)
      result.emplace_back(alias, shares[static_cast<std::size_t>(fused.find(alias))]);
  }
  return result;
}

std::vector<NodeInfo> Model::nodes() const {
  const Graph graph = build_exit_graph(*data_, input_shape());
  std::vector<NodeInfo> result;
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    const Node& node = graph.nodes()[i];
    const auto id = static_cast<NodeId>(i);
    result.push_back({node.name, node.operation ? node.operation->kind() : "input", node.shape, graph.multiply_adds(id),
                      node.operation ? node.operation->parameters() : 0});
  }
  return result;
}

}  // namespace sidenet
