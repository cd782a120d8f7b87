#include "sidenet/model.h"

#include <algorithm>
#include <utility>

#include "exit_graph.h"
#include "model_data.h"
#include "model_infos.h"
#include "named_errors.h"
#include "plan_cache.h"
#include "sidenet/error.h"
#include "tokenizer_file.h"

namespace sidenet {

namespace {

// Attaches the exits, sorts them into the graph's order, and sets up what Sessions share.
Model finished_model(ModelData data, Graph mainnet) {
  data.mainnet = std::make_shared<const Graph>(std::move(mainnet));
  data.graph = naming_file(
      data.source, [&] { return std::make_shared<const Graph>(with_exits(*data.mainnet, data)); });
  std::vector<std::pair<NodeId, ExitSpec>> placed;
  for (ExitSpec& exit : data.exits)
    placed.emplace_back(data.graph->find(exit.tap), std::move(exit));
  std::stable_sort(placed.begin(), placed.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::transform(placed.begin(), placed.end(), data.exits.begin(),
                 [](auto& exit) { return std::move(exit.second); });
  data.plans = std::make_shared<PlanCache>();
  data.infos = std::make_shared<ModelInfos>();
  return ModelAccess::make(std::make_shared<const ModelData>(std::move(data)));
}

Graph build_default_mainnet(const ModelData& data) {
  return naming_file(data.source,
                     [&] { return build_mainnet_graph(data, default_input_shape(data)); });
}

}  // namespace

Model make_model(ModelData data) {
  naming_file(data.source, [&] { check_loads_again(data); });
  data.saved_digest.clear();
  Graph mainnet = build_default_mainnet(data);
  return finished_model(std::move(data), std::move(mainnet));
}

Model make_model(ModelData data, Graph mainnet) {
  naming_file(data.source, [&] { check_loads_again(data); });
  data.saved_digest.clear();
  return finished_model(std::move(data), std::move(mainnet));
}

Model loaded_model(ModelData data, std::string saved_digest) {
  data.saved_digest = std::move(saved_digest);
  Graph mainnet = build_default_mainnet(data);
  return finished_model(std::move(data), std::move(mainnet));
}

void set_tokenizer(ModelData& data, Tokenizer tokenizer) {
  const auto pieces = static_cast<std::int64_t>(contents_of(tokenizer).model_pieces);
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

const std::string& Model::architecture() const { return data_->architecture.name; }
const std::vector<std::string>& Model::labels() const { return data_->labels; }

const std::vector<std::string>& Model::data_labels() const { return data_->data_labels; }
const Preprocessing& Model::preprocessing() const { return data_->preprocessing; }
const std::vector<std::string>& Model::notes() const { return data_->notes; }
const std::vector<Assumption>& Model::assumptions() const { return data_->assumptions; }
const std::optional<ReferenceCheck>& Model::checked() const { return data_->checked; }
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
const std::map<std::string, Tensor>& Model::tensors() const { return data_->weights; }

const std::vector<ExitInfo>& Model::exits() const {
  return data_->infos->exits.get([&] { return describe_exits(*data_); });
}

const std::vector<std::pair<std::string, double>>& Model::taps() const {
  return data_->infos->taps.get([&] { return describe_taps(*data_->mainnet); });
}

int Model::vocabulary_size() const { return data_->architecture.vocabulary; }
int Model::most_tokens() const { return data_->architecture.max_tokens; }

std::int64_t Model::mainnet_multiply_adds() const {
  return sidenet::mainnet_multiply_adds(*data_->graph);
}

const std::vector<NodeInfo>& Model::nodes() const {
  return data_->infos->nodes.get([&] { return describe_nodes(*data_->graph); });
}

}  // namespace sidenet
