#include "import_text.h"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "sidenet/error.h"

namespace sidenet {
namespace {

namespace fs = std::filesystem;

std::string if_there(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored) ? path.string() : "";
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

JsonField read_object(const std::string& file) {
  JsonField document = JsonField::read_file(file);
  document.expect_object();
  return document;
}

void import_text(const CheckpointFiles& files, const ImportOptions& options,
                 const std::optional<JsonField>& config, ModelData& data) {
  if (options.preprocess || options.mean || options.std || options.size || options.crop ||
      options.channel_order) {
    throw Error(data.source +
                ": preprocess, mean, std, size, crop and channel_order belong to image models, and "
                "this is a " +
                data.architecture.name);
  }
  if (config && data.labels.empty())
    data.labels = read_id2label(*config, data.architecture.classes);
  load_tokenizer(files, options, data);
}

}  // namespace sidenet
