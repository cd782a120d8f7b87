#include <array>
#include <charconv>

#include "bert.h"
#include "sidenet/error.h"

namespace sidenet::models {
namespace {

const std::string* find(const Settings& settings, const char* key) {
  const auto found = settings.find(key);
  return found == settings.end() ? nullptr : &found->second;
}

template <typename Number>
Number number(const Weights& weights, const char* key, const std::string& text, Number low,
              Number high) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() ||
      !(value >= low && value <= high)) {
    throw Error(weights.file() + ": configuration '" + key + "': expected a number from " +
                std::to_string(low) + " to " + std::to_string(high) + ", got '" + text + "'");
  }
  return value;
}

// BERT's own sizes: heads of 64 (arXiv 1810.04805, section 3; tiny to medium, arXiv 1908.08962).
bool has_heads_of_64(int hidden) {
  return hidden == 128 || hidden == 256 || hidden == 512 || hidden == 768 || hidden == 1024;
}

int heads(const Weights& weights, const Settings& settings, int hidden) {
  const std::string* given = find(settings, "num_attention_heads");
  if (!given && !has_heads_of_64(hidden)) {
    throw Error(
        weights.file() +
        ": the number of attention heads is not in the weights: expected a config.json beside them "
        "(or --config) with 'num_attention_heads'");
  }
  const int count = given ? number(weights, "num_attention_heads", *given, 1, 4096) : hidden / 64;
  if (hidden % count != 0) {
    throw Error(weights.file() +
                ": configuration 'num_attention_heads': expected a divisor of the hidden size " +
                std::to_string(hidden) + ", got " + std::to_string(count));
  }
  return count;
}

std::string activation(const Weights& weights, const Settings& settings) {
  const std::string* given = find(settings, "hidden_act");
  if (!given || *given == "gelu" || *given == "gelu_python") return "gelu";
  for (const char* name :
       {"gelu_new", "gelu_pytorch_tanh", "gelu_fast", "gelu_accurate", "gelu_python_tanh"}) {
    if (*given == name) return "gelu_new";
  }
  if (*given == "relu") return "relu";
  throw Error(weights.file() +
              ": configuration 'hidden_act': expected gelu, gelu_new, gelu_pytorch_tanh, gelu_fast "
              "or relu, got '" +
              *given + "'");
}

std::vector<Assumption> assumptions_of(const BertConfig& config, const Settings& settings) {
  const auto assume = [&](const char* what, const std::string& value, const char* setting) {
    return Assumption{
        what, value,
        find(settings, setting) ? AssumptionSource::config : AssumptionSource::default_value};
  };
  const std::string* epsilon = find(settings, "layer_norm_eps");
  const std::string* act = find(settings, "hidden_act");
  std::vector<Assumption> assumptions{
      assume("attention heads", std::to_string(config.num_heads), "num_attention_heads"),
      assume("epsilon", epsilon ? *epsilon : "1e-12", "layer_norm_eps"),
      assume("activation", act ? *act : config.hidden_act, "hidden_act")};
  return assumptions;
}

int extent(const Tensor& tensor, std::size_t axis) { return static_cast<int>(tensor.dim(axis)); }

// Whole numbers in place of weights are what some ways to quantise leave.
void refuse_whole_numbers(const Weights& weights) {
  for (const auto& [name, tensor] : weights.tensors()) {
    const DType type = tensor.dtype();
    const bool is_real =
        type == DType::f32 || type == DType::f64 || type == DType::f16 || type == DType::bf16;
    const bool is_weight = name.ends_with(".weight") || name.ends_with(".bias");
    if (is_weight && !is_real)
      throw Error(weights.file() + ": tensor '" + name + "': expected floats, got " +
                  dtype_name(type) + " (quantised weights are not read)");
  }
}

// As people call a head beside an encoder.
constexpr std::array kUsualHeads{"classifier", "fc",   "linear", "out",
                                 "output",     "head", "logits", "classification_head"};

std::string pooler_of(const Weights& weights) {
  std::string found;
  for (const char* pooler : {"pooler.dense", "pre_classifier"}) {
    if (!weights.has(std::string(pooler) + ".weight")) continue;
    if (!found.empty())
      throw Error(weights.file() +
                  ": tensors 'pooler.dense.weight' and 'pre_classifier.weight': expected one of "
                  "them in front of the classifier, got both");
    found = pooler;
  }
  return found;
}

void read_input(const Weights& weights, const std::string& input, BertConfig& config) {
  if (input == "pooler") {
    config.pooler = pooler_of(weights);
    if (config.pooler.empty())
      throw Error(
          weights.file() +
          ": setting 'head_input': expected cls or mean, as there is no pooler ('pooler.dense' "
          "or 'pre_classifier'), got 'pooler'");
  } else if (input == "mean") {
    config.pooling = TokenPooling::mean;
  } else if (input != "cls") {
    throw Error(weights.file() + ": setting 'head_input': expected pooler, cls or mean, got '" +
                input + "'");
  }
}

// What is read by transformers' own classifiers, or by one of which `head_input` tells.
void read_head(const Weights& weights, const Settings& settings, BertConfig& config) {
  config.head = find_head(weights, kUsualHeads, settings);
  const std::string* input = find(settings, "head_input");
  if (input) {
    if (!config.head)
      throw Error(weights.file() +
                  ": setting 'head_input': expected a head: --head MODULE says which it is");
    return read_input(weights, *input, config);
  }
  if (!config.head) return;
  const std::string& first = config.head->layers.front().module;
  if (config.head->layers.size() > 1 || first != "classifier")
    throw Error(
        weights.file() + ": head '" + shown_name(first) +
        "': no weight tells what it reads: --head-input pooler, cls or mean says it, --drop "
        "leaves it out");
  weights.get("classifier.bias", {weights.get_rank("classifier.weight", 2).dim(0)});
  config.pooler = pooler_of(weights);
  if (config.pooler.empty())
    throw Error(weights.file() +
                ": a classifier without 'pooler.dense' or 'pre_classifier' in front labels tokens, "
                "not texts, unless --head-input cls or mean says otherwise");
}

// `architectures` stands in the settings where config.json names the class of the head.
void assume_input(const BertConfig& config, const Settings& settings,
                  std::vector<Assumption>& assumptions) {
  if (!config.head) return;
  if (find(settings, "head_input")) {
    assumptions.push_back({"head input",
                           config.pooling == TokenPooling::mean ? "mean of tokens"
                           : config.pooler.empty()              ? "first token"
                                                                : "first token, " + config.pooler,
                           AssumptionSource::config});
  } else if (!find(settings, "head")) {
    assumptions.push_back({"head",
                           "first token, " + config.pooler +
                               (config.pooler == "pooler.dense" ? ", tanh, " : ", relu, ") +
                               config.head->text(),
                           find(settings, "architectures") ? AssumptionSource::config
                                                           : AssumptionSource::default_value});
  }
  assume_head(*config.head, settings, assumptions);
}

}  // namespace

std::string BertConfig::name() const {
  const struct {
    int layers, hidden;
    const char* size;
  } known[] = {{2, 128, "tiny"},   {4, 256, "mini"},  {4, 512, "small"},
               {8, 512, "medium"}, {12, 768, "base"}, {24, 1024, "large"}};
  const std::string family = types == 0 ? "distilbert" : "bert";
  for (const auto& size : known) {
    if (layers == size.layers && hidden_size == size.hidden && types > 0)
      return family + "-" + size.size;
  }
  return family + "-" + std::to_string(layers) + "x" + std::to_string(hidden_size);
}

std::optional<BertConfig> recognise_bert(const Weights& weights, const Settings& settings) {
  const Weights tables = weights.sub("embeddings");
  if (!tables.has("word_embeddings.weight")) return std::nullopt;
  refuse_whole_numbers(weights);
  BertConfig config;
  const Tensor words = tables.get_rank("word_embeddings.weight", 2);
  const Tensor positions = tables.get_rank("position_embeddings.weight", 2);
  config.vocabulary = extent(words, 0);
  config.hidden_size = extent(words, 1);
  config.max_positions = extent(positions, 0);
  if (tables.has("token_type_embeddings.weight"))
    config.types = extent(tables.get_rank("token_type_embeddings.weight", 2), 0);
  const Weights layers = weights.sub("encoder.layer");
  while (layers.has(std::to_string(config.layers) + ".attention.self.query.weight"))
    ++config.layers;
  if (config.layers == 0)
    layers.get_rank("0.attention.self.query.weight", 2);  // says what is missing
  config.intermediate_size = extent(layers.get_rank("0.intermediate.dense.weight", 2), 0);
  config.num_heads = heads(weights, settings, config.hidden_size);
  if (const std::string* eps = find(settings, "layer_norm_eps"))
    config.layer_norm_eps = number(weights, "layer_norm_eps", *eps, 0.0f, 1.0f);
  config.hidden_act = activation(weights, settings);
  read_head(weights, settings, config);
  return config;
}

Architecture describe_bert(const BertConfig& config, const Settings& settings) {
  Architecture result;
  result.name = config.name();
  result.classes = config.head ? config.head->classes : 0;
  result.input_shape = {kTokens};
  for (const char* key : {"num_attention_heads", "layer_norm_eps", "hidden_act", "head",
                          "head_activation", "one_logit", "head_input"}) {
    if (const std::string* value = find(settings, key)) result.settings[key] = *value;
  }
  result.settings["num_attention_heads"] = std::to_string(config.num_heads);
  result.assumptions = assumptions_of(config, settings);
  assume_input(config, settings, result.assumptions);
  result.vocabulary = config.vocabulary;
  result.max_tokens = config.max_positions;
  result.token_types = config.types;
  return result;
}

}  // namespace sidenet::models
