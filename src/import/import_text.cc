#include "import_text.h"

#include <filesystem>
#include <optional>
#include <string_view>

#include "config_labels.h"
#include "folder_contents.h"
#include "foreign_names.h"
#include "mapped_file.h"
#include "sidenet/error.h"
#include "sidenet/files.h"
#include "tokenizer_folder.h"

namespace sidenet {
namespace {

namespace fs = std::filesystem;

std::string if_there(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored) ? path.string() : "";
}

// A clone without its large files has these in their place.
void refuse_pointers(const CheckpointFiles& files) {
  const std::string start = "version https://git-lfs";
  for (const std::string& file : {files.config, files.tokenizer_config, files.vocabulary}) {
    if (if_there(file).empty()) continue;  // whoever reads it says what it is
    const auto mapped = MappedFile::open(file);
    const auto bytes = mapped->bytes();
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (text.starts_with(start))
      throw Error(file + ": is a Git LFS pointer: fetch the file itself (git lfs pull)");
  }
}

void assume_tokenizer(const FolderTokenizer& read, const TokenizerOptions& options,
                      const ImportOptions& import, ModelData& data) {
  const auto assume = [&](const char* what, const std::string& value, bool is_told) {
    data.assumptions.push_back(
        {what, value, is_told ? AssumptionSource::config : AssumptionSource::default_value});
  };
  assume("lower case", options.lower_case ? "yes" : "no", read.case_is_told);
  assume("strip accents", options.strip_accents.value_or(options.lower_case) ? "yes" : "no",
         read.accents_are_told || read.case_is_told);
  assume("most tokens",
         std::to_string(options.max_tokens) +
             (options.truncation_side == TruncationSide::left ? ", cut from the left" : ""),
         read.length_is_told);
  if (import.max_tokens) data.assumptions.back().source = AssumptionSource::option;
}

void load_tokenizer(const CheckpointFiles& files, const ImportOptions& import,
                    const std::optional<JsonField>& config, ModelData& data) {
  refuse_other_tokenizers(files, config);
  if (files.vocabulary.empty()) {
    if (import.max_tokens) {
      throw Error(files.weights +
                  ": max_tokens: expected a vocab.txt or tokenizer.json beside the weights (or "
                  "--vocab), found neither");
    }
    data.notes.push_back("no vocab.txt or tokenizer.json: the model takes token ids only");
    return;
  }
  FolderTokenizer read = read_tokenizer_folder(files, import, config, data.architecture.max_tokens);
  data.notes.insert(data.notes.end(), read.notes.begin(), read.notes.end());
  const int words = data.architecture.vocabulary;
  const auto pieces = static_cast<int>(read.contents.vocabulary.size());
  const TokenizerOptions options = read.contents.options;
  Tokenizer tokenizer = make_tokenizer(std::move(read.contents), files.vocabulary);
  for (const std::string* name : {&options.cls, &options.sep}) {
    if (special_token_id(tokenizer.vocabulary(), *name, files.vocabulary) >= words)
      throw Error(files.vocabulary + ": expected the special token \"" + *name + "\" among the " +
                  std::to_string(words) + " words of the embedding, got it " +
                  "behind them: the vocabulary is of another model");
  }
  assume_tokenizer(read, options, import, data);
  set_tokenizer(data, std::move(tokenizer));
  if (pieces < words) {
    data.notes.push_back("the embedding has " + std::to_string(words) + " words, the vocabulary " +
                         std::to_string(pieces));
  } else if (pieces > words) {
    data.notes.push_back("the embedding has " + std::to_string(words) +
                         " words, the vocabulary and its added tokens " + std::to_string(pieces) +
                         ": texts with the last ones are refused");
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
    files.weights.clear();
    for (const char* name : {"model.safetensors", "model.safetensors.index.json",
                             "pytorch_model.bin", "pytorch_model.bin.index.json"}) {
      if (files.weights.empty()) files.weights = if_there(folder / name);
    }
    if (files.weights.empty()) refuse_without_weights(path);
    refuse_adapter_beside(path);
  } else {
    refuse_shard(path);
  }
  files.config = options.config.empty() ? if_there(folder / "config.json") : options.config;
  files.tokenizer_config = if_there(folder / "tokenizer_config.json");
  files.sentence_config = if_there(folder / "sentence_bert_config.json");
  files.special_tokens_map = if_there(folder / "special_tokens_map.json");
  files.added_tokens = if_there(folder / "added_tokens.json");
  files.vocabulary = options.vocabulary;
  for (const char* name : {"tokenizer.json", "vocab.txt"}) {
    if (files.vocabulary.empty()) files.vocabulary = if_there(folder / name);
  }
  if (!is_folder) return files;
  refuse_pointers(files);
  // Some types of quantised weights cannot be read at all.
  if (options.config.empty() && !files.config.empty()) {
    if (const JsonField config = JsonField::read_file(files.config); config.is_object())
      models::refuse_quantised(config);
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
  refuse_adapter_beside(folder_of(files.weights));
  for (std::string& note : parts_left_out(folder_of(files.weights)))
    data.notes.push_back(std::move(note));
  load_tokenizer(files, options, config, data);
}

}  // namespace sidenet
