#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "image_files.h"
#include "random_bert.h"
#include "safetensors.h"
#include "sidenet/sidenet.h"

// Small BERT checkpoints as Hugging Face folders, for the tests of import.
namespace sidenet::testing {

inline BertSize small_bert() {
  BertSize size;
  size.layers = 2, size.hidden = 12, size.heads = 3, size.intermediate = 20, size.words = 30,
  size.positions = 16;
  size.classes = 3;
  return size;
}

inline nlohmann::json config_of(const BertSize& size) {
  return {{"model_type", "bert"},
          {"num_hidden_layers", size.layers},
          {"hidden_size", size.hidden},
          {"num_attention_heads", size.heads},
          {"intermediate_size", size.intermediate},
          {"hidden_act", "gelu"},
          {"vocab_size", size.words},
          {"max_position_embeddings", size.positions},
          {"type_vocab_size", size.types},
          {"layer_norm_eps", 1e-12},
          {"problem_type", nullptr},
          {"is_decoder", false},
          {"position_embedding_type", "absolute"}};
}

/// Every name as `rename` gives it.
inline Weights renamed(const Weights& weights,
                       const std::function<std::string(const std::string&)>& rename) {
  Weights result;
  for (const auto& [name, tensor] : weights) result[rename(name)] = tensor;
  return result;
}

inline bool is_of_head(const std::string& name) {
  return name.starts_with("classifier") || name.starts_with("pre_classifier");
}

/// `prefix` before the encoder's names, and the head's as they are.
inline Weights with_encoder_prefix(const Weights& weights, const std::string& prefix) {
  return renamed(weights,
                 [&](const std::string& name) { return is_of_head(name) ? name : prefix + name; });
}

/// 30 pieces.
inline std::vector<std::string> small_vocabulary() {
  return {"[PAD]", "[UNK]", "[CLS]", "[SEP]",  "[MASK]", "the", "film", "was", "good", "bad",
          "very",  "##ly",  "dull",  "bright", "plot",   "a",   "not",  ".",   ",",    "it",
          "is",    "act",   "##ing", "##or",   "slow",   "fun", "sad",  "end", "e",    "##s"};
}

inline std::string lines(const std::vector<std::string>& pieces) {
  std::string text;
  for (const std::string& piece : pieces) text += piece + "\n";
  return text;
}

/// A tokenizer.json of those pieces, as Hugging Face writes one for BERT.
inline nlohmann::json tokenizer_json(const std::vector<std::string>& pieces, bool lower_case) {
  nlohmann::json vocabulary = nlohmann::json::object(), added = nlohmann::json::array();
  for (std::size_t id = 0; id < pieces.size(); ++id) {
    vocabulary[pieces[id]] = id;
    if (!pieces[id].starts_with("[")) continue;
    added.push_back({{"id", id},
                     {"content", pieces[id]},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", true}});
  }
  return {{"version", "1.0"},
          {"added_tokens", added},
          {"normalizer",
           {{"type", "BertNormalizer"},
            {"clean_text", true},
            {"handle_chinese_chars", true},
            {"strip_accents", nullptr},
            {"lowercase", lower_case}}},
          {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
          {"post_processor",
           {{"type", "BertProcessing"}, {"sep", {"[SEP]", 3}}, {"cls", {"[CLS]", 2}}}},
          {"model",
           {{"type", "WordPiece"},
            {"unk_token", "[UNK]"},
            {"continuing_subword_prefix", "##"},
            {"max_input_chars_per_word", 100},
            {"vocab", vocabulary}}}};
}

/// A folder to import: weights and config.json; more files are written into `folder`.
struct TextCheckpoint {
  files::Folder folder;

  TextCheckpoint() = default;
  explicit TextCheckpoint(const Weights& weights,
                          const nlohmann::json& config = config_of(small_bert())) {
    write(weights, config);
  }
  void write(const Weights& weights, const nlohmann::json& config) const {
    write_safetensors(folder.path + "/model.safetensors", weights, {});
    folder.write("config.json", config.dump());
  }
  Model import(const ImportOptions& options = {}) const {
    return Model::import_checkpoint(folder.path, options);
  }
};

/// The logits of some rows of all lengths, at MainNet's head.
inline Tensor some_logits(const Model& model, const BertSize& size = small_bert()) {
  Session session(model, {.execution = {.threads = 1}});
  return session.run(random_texts(7, 9, size.positions, size), ExitPolicy::final_only()).logits;
}

inline bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && std::memcmp(a.raw(), b.raw(), a.bytes()) == 0;
}

}  // namespace sidenet::testing
