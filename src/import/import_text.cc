#include "import_text.h"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "bert.h"
#include "json_field.h"
#include "sidenet/error.h"

namespace sidenet {
namespace {

namespace fs = std::filesystem;

std::string if_there(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored) ? path.string() : "";
}

JsonField read_object(const std::string& file) {
  JsonField document = JsonField::read_file(file);
  document.expect_object();
  return document;
}

// A key that BERT and DistilBERT name differently.
const char* either(const JsonField& config, const char* bert, const char* distilbert) {
  return config.has(bert) || !config.has(distilbert) ? bert : distilbert;
}

// A classifier of single tokens has the names of one of texts, and other answers.
void refuse_other_heads(const JsonField& config) {
  if (!config.has("architectures")) return;
  for (const JsonField& architecture : config.at("architectures").items()) {
    const std::string name = architecture.string();
    if (name.ends_with("ForTokenClassification") || name.ends_with("ForMultipleChoice"))
      architecture.refuse("an encoder, or one with a head for SequenceClassification");
  }
}

// What of config.json the weights do not tell.
std::map<std::string, std::string> read_settings(const JsonField& config) {
  std::map<std::string, std::string> settings;
  if (config.has("model_type")) {
    const std::string type = config.at("model_type").string();
    if (type != "bert" && type != "distilbert")
      config.at("model_type").refuse("bert or distilbert");
  }
  refuse_other_heads(config);
  if (config.has("position_embedding_type") &&
      config.at("position_embedding_type").string() != "absolute")
    config.at("position_embedding_type").refuse("absolute");
  if (config.has("is_decoder") && config.at("is_decoder").boolean())
    config.at("is_decoder").refuse("false");
  if (config.has("problem_type") &&
      config.at("problem_type").string() != "single_label_classification")
    config.at("problem_type").refuse("single_label_classification");
  if (const char* key = either(config, "num_attention_heads", "n_heads"); config.has(key))
    settings["num_attention_heads"] = std::to_string(config.at(key).integer(1, 4096));
  if (config.has("layer_norm_eps")) {
    config.at("layer_norm_eps").number(0, 1);
    settings["layer_norm_eps"] = config.at("layer_norm_eps").dump();
  }
  if (const char* key = either(config, "hidden_act", "activation"); config.has(key))
    settings["hidden_act"] = config.at(key).string();
  return settings;
}

void check_sizes(const JsonField& config, const models::BertConfig& found) {
  const struct {
    const char *bert, *distilbert;
    int size;
  } sizes[] = {{"num_hidden_layers", "n_layers", found.layers},
               {"hidden_size", "dim", found.hidden_size},
               {"intermediate_size", "hidden_dim", found.intermediate_size},
               {"vocab_size", "vocab_size", found.vocabulary},
               {"max_position_embeddings", "max_position_embeddings", found.max_positions}};
  for (const auto& [bert, distilbert, size] : sizes) {
    const char* key = either(config, bert, distilbert);
    if (config.has(key) && config.at(key).integer(0, 1 << 30) != size)
      config.at(key).refuse(std::to_string(size) + ", the weights' own");
  }
}

// "id2label": {"0": "negative", "1": "positive"}
std::vector<std::string> read_id2label(const JsonField& config, int classes) {
  std::vector<std::string> labels;
  if (!config.has("id2label") || classes == 0) return labels;
  const JsonField field = config.at("id2label");
  for (int id = 0; id < classes; ++id) {
    const std::string key = std::to_string(id);
    if (!field.has(key.c_str())) field.refuse("a name for class " + key);
    labels.push_back(field.at(key.c_str()).string());
  }
  if (const std::string more = std::to_string(classes); field.has(more.c_str()))
    field.at(more.c_str()).refuse("no more than " + more + " classes, the weights' own");
  // Names that nobody chose.
  const bool unnamed = std::all_of(labels.begin(), labels.end(),
                                   [](const auto& label) { return label.starts_with("LABEL_"); });
  return unnamed ? std::vector<std::string>() : labels;
}

bool has_capitals(const std::vector<std::string>& vocabulary) {
  return std::any_of(vocabulary.begin(), vocabulary.end(), [](const std::string& piece) {
    return !piece.starts_with("[") &&
           std::any_of(piece.begin(), piece.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
  });
}

// Longest row that the tokenizer's own files allow. Their writers put 10^30 for "no limit".
int max_tokens_of(const CheckpointFiles& files, int positions) {
  double limit = positions;
  const auto take = [&](const std::string& file, const char* key) {
    if (file.empty()) return;
    const JsonField config = read_object(file);
    if (config.has(key)) limit = std::min(limit, config.at(key).number(1, 1e300));
  };
  take(files.tokenizer_config, "model_max_length");
  take(files.sentence_config, "max_seq_length");
  return static_cast<int>(limit);
}

TokenizerOptions tokenizer_options(const CheckpointFiles& files, const ImportOptions& import,
                                   int positions) {
  TokenizerOptions options;
  options.max_tokens = import.max_tokens.value_or(max_tokens_of(files, positions));
  if (options.max_tokens < 4 || options.max_tokens > positions) {
    throw Error("max_tokens: expected 4 to " + std::to_string(positions) +
                " (the position embedding of " + files.weights + "), got " +
                std::to_string(options.max_tokens));
  }
  if (files.tokenizer_config.empty()) return options;
  const JsonField config = read_object(files.tokenizer_config);
  if (config.has("do_lower_case")) options.lower_case = config.at("do_lower_case").boolean();
  if (config.has("strip_accents")) options.strip_accents = config.at("strip_accents").boolean();
  if (config.has("tokenize_chinese_chars"))
    options.chinese_characters = config.at("tokenize_chinese_chars").boolean();
  return options;
}

void load_tokenizer(const CheckpointFiles& files, const ImportOptions& import, ModelData& data) {
  if (files.vocabulary.empty()) {
    if (import.max_tokens) {
      throw Error(files.weights +
                  ": max_tokens: expected a vocab.txt or tokenizer.json beside the weights (or "
                  "--vocab), found neither");
    }
    data.notes.push_back("no vocab.txt or tokenizer.json: the model takes token ids only");
    return;
  }
  TokenizerOptions options = tokenizer_options(files, import, data.architecture.max_tokens);
  std::optional<Tokenizer> tokenizer = Tokenizer::load(files.vocabulary, options);
  const bool case_is_told = !files.tokenizer_config.empty() || files.vocabulary.ends_with(".json");
  if (!case_is_told && has_capitals(tokenizer->vocabulary())) {
    options.lower_case = false;
    tokenizer.reset();  // never two of them at once
    tokenizer = Tokenizer::load(files.vocabulary, options);
    data.notes.push_back("texts keep their case, as the vocabulary has capitals");
  }
  const auto pieces = static_cast<std::int64_t>(tokenizer->vocabulary().size());
  set_tokenizer(data, std::move(*tokenizer));
  if (pieces < data.architecture.vocabulary) {
    data.notes.push_back("the embedding has " + std::to_string(data.architecture.vocabulary) +
                         " words, the vocabulary " + std::to_string(pieces));
  }
}

// Its positions count from 2, so there are 514, and nothing else tells it from a BERT where no
// config.json does.
void refuse_roberta(const ModelData& data) {
  if (data.architecture.max_tokens != 514 || data.architecture.token_types != 1) return;
  throw Error(data.source +
              ": expected a BERT or DistilBERT, got 514 positions and one token type, as of a "
              "RoBERTa (a config.json with "
              "model_type bert says otherwise)");
}

}  // namespace

CheckpointFiles find_checkpoint_files(const std::string& path, const ImportOptions& options) {
  CheckpointFiles files;
  std::error_code ignored;
  const bool is_folder = fs::is_directory(path, ignored);
  const fs::path folder = is_folder ? fs::path(path) : fs::path(path).parent_path();
  files.weights = path;
  if (is_folder) {
    files.weights = if_there(folder / "model.safetensors");
    if (files.weights.empty()) files.weights = if_there(folder / "pytorch_model.bin");
    if (files.weights.empty()) {
      for (const char* index : {"model.safetensors.index.json", "pytorch_model.bin.index.json"}) {
        if (!if_there(folder / index).empty())
          throw Error(path + ": the weights are split into several files (" + index +
                      "), expected one");
      }
      throw Error(path +
                  ": expected model.safetensors or pytorch_model.bin in the folder, found neither");
    }
  }
  files.config = options.config.empty() ? if_there(folder / "config.json") : options.config;
  files.tokenizer_config = if_there(folder / "tokenizer_config.json");
  files.sentence_config = if_there(folder / "sentence_bert_config.json");
  files.vocabulary = options.vocabulary;
  for (const char* name : {"tokenizer.json", "vocab.txt"}) {
    if (files.vocabulary.empty()) files.vocabulary = if_there(folder / name);
  }
  return files;
}

bool import_text(const CheckpointFiles& files, const ImportOptions& options, ModelData& data) {
  if (!models::clean_bert_names(data.weights, data.source)) return false;
  std::map<std::string, std::string> settings;
  std::vector<std::string> id2label;
  const models::Weights weights(data.weights, data.source);
  if (!files.config.empty()) {
    const JsonField config = read_object(files.config);
    settings = read_settings(config);
    const auto found = models::recognise_bert(weights, settings);
    check_sizes(config, *found);
    if (options.labels.empty()) id2label = read_id2label(config, found->classes);
  }
  data.architecture = models::recognise(weights, options.architecture, settings);
  if (files.config.empty()) refuse_roberta(data);
  if (data.architecture.classes == 1)
    throw Error(
        data.source +
        ": tensor 'classifier.weight': expected 2 classes or more, got 1 (a regression head)");
  data.labels = options.labels.empty() ? id2label : options.labels;
  load_tokenizer(files, options, data);
  return true;
}

}  // namespace sidenet
