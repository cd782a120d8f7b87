#include "sidenet/model.h"

#include <algorithm>
#include <utility>

#include "checked.h"
#include "exit_graph.h"
#include "model_data.h"
#include "named_errors.h"
#include "plan_cache.h"
#include "sidenet/error.h"

namespace sidenet {

Model make_model(ModelData data) {
  naming_file(data.source, [&] { check_loads_again(data); });
  return loaded_model(std::move(data), "");
}

Model loaded_model(ModelData data, std::string saved_digest) {
  data.graph = naming_file(data.source, [&] {
    return std::make_shared<const Graph>(build_exit_graph(data, default_input_shape(data)));
  });
  std::vector<std::pair<NodeId, ExitSpec>> placed;
  for (ExitSpec& exit : data.exits)
    placed.emplace_back(data.graph->find(exit.tap), std::move(exit));
  std::stable_sort(placed.begin(), placed.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::transform(placed.begin(), placed.end(), data.exits.begin(),
                 [](auto& exit) { return std::move(exit.second); });
  data.plans = std::make_shared<PlanCache>();
  data.saved_digest = std::move(saved_digest);
  return ModelAccess::make(std::make_shared<const ModelData>(std::move(data)));
}

void set_tokenizer(ModelData& data, Tokenizer tokenizer) {
  const auto pieces = static_cast<std::int64_t>(tokenizer.vocabulary().size());
  if (pieces > data.architecture.vocabulary) {
    throw Error(data.source + ": the vocabulary does not fit the embedding: expected at most " +
                std::to_string(data.architecture.vocabulary) + " pieces, got " +
                std::to_string(pieces));
  }
  if (tokenizer.options().max_tokens > data.architecture.max_tokens) {
    throw Error(data.source + ": max_tokens: expected at most " +
                std::to_string(data.architecture.max_tokens) + " (the position embedding), got " +
                std::to_string(tokenizer.options().max_tokens));
  }
  data.tokenizer = std::move(tokenizer);
}

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

}  // namespace

const std::string& Model::architecture() const { return data_->architecture.name; }
const std::vector<std::string>& Model::labels() const { return data_->labels; }
const Preprocessing& Model::preprocessing() const { return data_->preprocessing; }
const std::vector<std::string>& Model::notes() const { return data_->notes; }
Shape Model::input_shape() const {
  return is_text() ? Shape{kUsualTokens} : default_input_shape(*data_);
}
bool Model::is_text() const { return data_->is_text(); }
bool Model::has_tokenizer() const { return data_->tokenizer.has_value(); }
const std::optional<Certificate>& Model::certificate() const { return data_->certificate; }

std::string Model::certificate_problem() const {
  if (!data_->certificate) return "there is no certificate";
  if (data_->certificate->version < Certificate::kVersion)
    return "it was made by an earlier version, whose promise fails where rows repeat: calibrate "
           "again";
  for (const ExitSpec& exit : data_->exits) {
    const auto certified = data_->certificate->thresholds.find(exit.name);
    if (certified == data_->certificate->thresholds.end() || certified->second != exit.threshold)
      return "the threshold of " + exit.name + " is not the certified one";
  }
  if (data_->certificate->digest != answers_digest(*data_))
    return "the model is not the one that was certified";
  return "";
}

std::string Model::file_problem() const {
  const bool is_same = data_->saved_digest.empty() || data_->saved_digest == answers_digest(*data_);
  return is_same ? "" : "weights, thresholds or other contents are not as they were saved";
}

std::string Model::digest() const {
  const std::string& saved = data_->saved_digest;
  const bool is_digest =
      saved.size() == 32 && saved.find_first_not_of("0123456789abcdef") == std::string::npos;
  return is_digest ? saved : answers_digest(*data_);
}

bool Model::has_head() const { return data_->has_final(); }

const Tokenizer& Model::tokenizer() const {
  if (!is_text()) throw Error(data_->source + ": takes images, not texts");
  if (!data_->tokenizer)
    throw Error(data_->source +
                ": has no vocabulary: import the checkpoint with its vocab.txt or tokenizer.json "
                "(--vocab)");
  return *data_->tokenizer;
}
std::map<std::string, Tensor> Model::tensors() const { return data_->weights; }

std::vector<ExitInfo> Model::exits() const {
  const Graph& graph = *data_->graph;
  const std::vector<double> shares = compute_shares(graph);
  const std::vector<bool> is_exit = side_exits(graph);
  double total = 0;
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    if (!is_exit[i]) total += static_cast<double>(graph.multiply_adds(static_cast<NodeId>(i)));
  }
  std::vector<ExitInfo> result;
  for (const ExitSpec& exit : data_->exits) {
    const NodeId tap = graph.find(exit.tap), head = graph.find("exits." + exit.name);
    ExitInfo info = describe(exit, is_text());
    info.compute_share = shares[static_cast<std::size_t>(tap)] +
                         static_cast<double>(graph.multiply_adds(head)) / std::max(total, 1.0);
    result.push_back(std::move(info));
  }
  if (!has_head()) return result;
  if (data_->head) {
    result.push_back(describe(*data_->head, is_text()));
  } else {
    result.emplace_back().name = "final";
    result.back().temperature = data_->final_temperature;
    result.back().confidence_map = pairs_of(data_->final_map);
  }
  result.back().threshold = 0;
  result.back().compute_share = 1;
  if (data_->head) return result;
  for (const GraphExit& exit : graph.exits()) {
    if (exit.name == "final") result.back().tap = graph.node(exit.node).name;
  }
  return result;
}

std::vector<std::pair<std::string, double>> Model::taps() const {
  Graph plain = build_mainnet_graph(*data_, default_input_shape(*data_));
  std::vector<std::pair<std::string, double>> result;
  for (const Node& node : plain.nodes()) {
    for (const std::string& alias : node.aliases) result.emplace_back(alias, 0);
  }
  const Graph executed = optimised(std::move(plain));
  const std::vector<double> shares = compute_shares(executed);
  for (auto& [alias, share] : result)
    share = shares[static_cast<std::size_t>(executed.find(alias))];
  return result;
}

std::int64_t Model::mainnet_multiply_adds() const {
  const Graph& graph = *data_->graph;
  const std::vector<bool> is_exit = side_exits(graph);
  std::int64_t total = 0;
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    if (!is_exit[i]) total = saturating_add(total, graph.multiply_adds(static_cast<NodeId>(i)));
  }
  return total;
}

std::vector<NodeInfo> Model::nodes() const {
  const Graph& graph = *data_->graph;
  std::vector<NodeInfo> result;
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    const Node& node = graph.nodes()[i];
    const auto id = static_cast<NodeId>(i);
    result.push_back({node.name, node.operation ? node.operation->kind() : "input", node.shape,
                      graph.multiply_adds(id), node.operation ? node.operation->parameters() : 0});
  }
  return result;
}

}  // namespace sidenet
