#include "bert.h"
#include "family.h"
#include "foreign_names.h"
#include "hub_config.h"
#include "json_field.h"
#include "network_names.h"
#include "sidenet/error.h"

namespace sidenet::models {
namespace {

// A key of config.json that BERT and DistilBERT name differently.
const char* either(const JsonField& config, const char* bert, const char* distilbert) {
  return config.has(bert) || !config.has(distilbert) ? bert : distilbert;
}

// transformers' own networks that have no head, the head of a classifier of texts, or one of
// training that is left out.
bool is_read_class(const std::string& name) {
  for (const std::string family : {"Bert", "DistilBert"}) {
    for (const char* rest : {"Model", "ForSequenceClassification", "ForMaskedLM", "ForPreTraining",
                             "ForNextSentencePrediction", "ForQuestionAnswering", "LMHeadModel"}) {
      if (name == family + rest) return true;
    }
  }
  return false;
}

// A classifier of single tokens, one with several labels a text, or somebody's own class has the
// names of a classifier of texts, and may have other answers.
// A class of one's own is read where the user says what its head reads.
void read_classes(const JsonField& config, const Settings& given, Settings& settings) {
  refuse_own_code(config);
  if (!config.has("architectures")) return;
  for (const JsonField& architecture : config.at("architectures").items()) {
    const std::string& name = architecture.string();
    if (is_read_class(name)) {
      if (name.ends_with("ForSequenceClassification")) settings["architectures"] = name;
      continue;
    }
    if (name.find("MultiLabel") != std::string::npos)
      architecture.refuse("one label a text (several are not read)");
    const bool has_task = name.find("For") != std::string::npos;
    const bool is_of_transformers = has_task || name.ends_with("Model");
    if (given.contains("head_input") && !has_task) continue;
    architecture.refuse(
        std::string("an encoder, or one with a head for SequenceClassification") +
        (is_of_transformers ? "" : " (of a class of one's own --head-input says what it reads)"));
  }
}

Settings read_settings(const JsonField& config, const Settings& given) {
  Settings settings;
  std::string type = "bert";
  if (config.has("model_type")) {
    type = config.at("model_type").string();
    if (type != "bert" && type != "distilbert")
      config.at("model_type").refuse("bert or distilbert");
  }
  const bool is_distilbert = type == "distilbert";
  refuse_quantised(config);
  read_classes(config, given, settings);
  if (config.has("position_embedding_type") &&
      config.at("position_embedding_type").string() != "absolute")
    config.at("position_embedding_type").refuse("absolute");
  for (const char* key : {"is_decoder", "add_cross_attention", "is_encoder_decoder"}) {
    if (config.has(key) && config.at(key).boolean()) config.at(key).refuse("false");
  }
  if (config.has("pruned_heads") && !config.at("pruned_heads").members().empty())
    config.at("pruned_heads").refuse("no pruned heads");
  refuse_other_problems(config);
  if (const char* key = either(config, "num_attention_heads", "n_heads"); config.has(key))
    settings["num_attention_heads"] = std::to_string(config.at(key).integer(1, 4096));
  // DistilBERT has no such key: its epsilon is always the same.
  if (is_distilbert) settings["layer_norm_eps"] = "1e-12";
  if (config.has("layer_norm_eps") && !is_distilbert) {
    config.at("layer_norm_eps").number(0, 1);
    settings["layer_norm_eps"] = config.at("layer_norm_eps").dump();
  }
  if (const char* key = is_distilbert ? "activation" : "hidden_act"; config.has(key))
    settings["hidden_act"] = config.at(key).string();
  return settings;
}

void check_sizes(const JsonField& config, const BertConfig& found) {
  const struct {
    const char *bert, *distilbert;
    int size;
  } sizes[] = {{"num_hidden_layers", "n_layers", found.layers},
               {"hidden_size", "dim", found.hidden_size},
               {"intermediate_size", "hidden_dim", found.intermediate_size},
               {"vocab_size", "vocab_size", found.vocabulary},
               {"embedding_size", "embedding_size", found.hidden_size},
               {"type_vocab_size", "type_vocab_size", found.types},
               {"max_position_embeddings", "max_position_embeddings", found.max_positions}};
  for (const auto& [bert, distilbert, size] : sizes) {
    const char* key = either(config, bert, distilbert);
    if (config.has(key) && config.at(key).integer(0, 1 << 30) != size)
      config.at(key).refuse(std::to_string(size) + ", the weights' own");
  }
}

// A RoBERTa's positions count from 2, so there are 514, and nothing else tells it from a BERT where
// no config.json does.
void refuse_roberta(const Architecture& architecture, const std::string& file) {
  if (architecture.max_tokens != 514 || architecture.token_types != 1) return;
  throw Error(file +
              ": expected a BERT or DistilBERT, got 514 positions and one token type, as of a "
              "RoBERTa (a config.json with "
              "model_type bert says otherwise)");
}

BertConfig require_bert(const Weights& weights, const Settings& settings) {
  const auto config = recognise_bert(weights, settings);
  if (!config) throw Error(weights.file() + ": no tensor '" + kBertAnchor + "'");
  return *config;
}

class BertFamily : public Family {
 public:
  std::string name() const override { return "bert"; }
  std::string title() const override { return "a BERT"; }
  std::vector<std::string> landmarks() const override { return {kBertAnchor}; }

  // "bert" and "distilbert" are of any size.
  bool is_called(const std::string& asked, const std::string& architecture) const override {
    return Family::is_called(asked, architecture) || architecture.starts_with(asked + "-");
  }
  bool takes_texts() const override { return true; }

  std::optional<CleanedNames> clean_names(std::map<std::string, Tensor>& tensors,
                                          const std::string& file) const override {
    if (!clean_bert_names(tensors, file)) return std::nullopt;
    return CleanedNames{};
  }

  bool owns(const std::string& tensor) const override {
    return tensor.starts_with("encoder.") || tensor.starts_with("embeddings.");
  }

  std::string other_network(const std::string& name, const Architecture&) const override {
    return other_than_bert(name);
  }

  // Heads of pre-training, and the pooler of an encoder without a head.
  bool is_harmless(const std::string& tensor) const override {
    for (const char* head : {"cls.", "lm_head.", "pooler.", "pre_classifier.", "qa_outputs.",
                             "vocab_transform.", "vocab_layer_norm.", "vocab_projector."}) {
      if (tensor.starts_with(head)) return true;
    }
    return false;
  }

  std::map<std::string, std::string> settings() const override {
    std::map<std::string, std::string> all = head_settings();
    all.insert({{"head_input", "head_input"},
                {"attention_heads", "num_attention_heads"},
                {"epsilon", "layer_norm_eps"},
                {"activation", "hidden_act"}});
    return all;
  }

  Settings read_config(const JsonField& config, const Weights& weights,
                       const Settings& given) const override {
    Settings settings = read_settings(config, given);
    Settings for_sizes = given;
    for_sizes.insert(settings.begin(), settings.end());
    for_sizes.try_emplace("num_attention_heads", "1");
    check_sizes(config, require_bert(weights, for_sizes));
    return settings;
  }

  std::optional<Architecture> recognise(const Weights& weights,
                                        const Settings& settings) const override {
    const auto config = recognise_bert(weights, settings);
    if (!config) return std::nullopt;
    return describe_bert(*config, settings);
  }

  void check_checkpoint(const Architecture& architecture, const std::string& file,
                        bool has_config) const override {
    if (!has_config) refuse_roberta(architecture, file);
    refuse_one_logit(architecture, file);
  }

  Graph build(const Architecture& architecture, const Weights& weights,
              const Shape&) const override {
    return build_bert(require_bert(weights, architecture.settings), weights);
  }
};

}  // namespace

const Family& bert_family() {
  static const BertFamily family;
  return family;
}

}  // namespace sidenet::models
