#include "architecture.h"

#include <atomic>

#include "bert.h"
#include "resnet.h"
#include "sidenet/error.h"

namespace sidenet::models {
namespace {

std::atomic<std::int64_t> built{0};

ResNetConfig require_resnet(const Weights& weights) {
  if (auto config = recognise_resnet(weights)) return *config;
  std::string first = weights.tensors().empty()
                          ? "no tensors at all"
                          : "first tensor '" + weights.tensors().begin()->first + "'";
  throw Error(weights.file() +
              ": unknown architecture: expected a ResNet's tensors ('conv1.weight', "
              "'layer1.0.conv1.weight', "
              "…) or a BERT's ('embeddings.word_embeddings.weight', …), found " +
              std::to_string(weights.tensors().size()) + " tensors, " + first);
}

// "resnet56" also names the CIFAR family's, where the stages say so; "bert" and "distilbert" any
// size.
bool is_same(const Architecture& found, const std::string& expected) {
  return found.name == expected || found.name == "cifar_" + expected || expected == found.family ||
         (expected == "cifar_resnet" && found.name.starts_with(expected)) ||
         found.name.starts_with(expected + "-");
}

}  // namespace

Architecture recognise(const Weights& weights, const std::string& expected,
                       const std::map<std::string, std::string>& settings) {
  const auto bert = recognise_bert(weights, settings);
  Architecture found =
      bert ? describe_bert(*bert, settings) : describe_resnet(require_resnet(weights));
  if (!expected.empty() && !is_same(found, expected)) {
    throw Error(weights.file() + ": the weights are a " + found.name + ", expected " + expected);
  }
  return found;
}

Graph build_graph(const Architecture& architecture, const Weights& weights,
                  const Shape& input_shape) {
  built.fetch_add(1, std::memory_order_relaxed);
  if (architecture.family == "resnet")
    return build_resnet(require_resnet(weights), weights, input_shape);
  if (architecture.family != "bert") {
    throw Error(weights.file() + ": unknown architecture family '" + architecture.family +
                "', expected 'resnet' or 'bert'");
  }
  const auto config = recognise_bert(weights, architecture.settings);
  if (!config) throw Error(weights.file() + ": no tensor 'embeddings.word_embeddings.weight'");
  return build_bert(*config, weights);
}

std::int64_t graphs_built() { return built.load(std::memory_order_relaxed); }

}  // namespace sidenet::models
