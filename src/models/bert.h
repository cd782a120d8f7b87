#pragma once

#include <map>
#include <optional>
#include <string>

#include "architecture.h"
#include "head.h"
#include "sidenet/token_pooling.h"

namespace sidenet::models {

/// A tensor that each of them has.
inline const std::string kBertAnchor = "embeddings.word_embeddings.weight";

/// A BERT-family encoder (arXiv 1810.04805): BERT, DistilBERT (1910.01108), MiniLM (2002.10957) and
/// others of that form.
struct BertConfig {
  int layers = 0, hidden_size = 0, num_heads = 0, intermediate_size = 0;
  int vocabulary = 0, max_positions = 0, types = 0;  ///< types 0: none (DistilBERT)
  float layer_norm_eps = 1e-12f;
  std::string hidden_act = "gelu";  ///< or "gelu_new" (tanh form), "relu"
  /// Module between [CLS] and the head: "pooler.dense" with tanh (BERT), "pre_classifier" with ReLU
  /// (DistilBERT); empty: none.
  std::string pooler;
  TokenPooling pooling = TokenPooling::cls;  ///< in front of it, or of the head
  /// None of a headless encoder, for which training fits one.
  std::optional<Head> head;

  std::string name() const;  ///< "bert-base", "bert 6x384", …
};

/// Reads what the weights tell, and takes heads, epsilon and activation from `settings`
/// ("num_attention_heads", "layer_norm_eps", "hidden_act"). A layer `classifier` behind a pooler is
/// the head of transformers' classifiers; of others `head_input` says what they read: "pooler",
/// "cls" or "mean". Nothing where the weights are no such
/// encoder. Throws Error where they look like one and something is missing or wrong.
std::optional<BertConfig> recognise_bert(const Weights& weights, const Settings& settings);

/// Post-layer-norm encoder layers over packed tokens. Taps: "embeddings", "encoder.layer.0", …
/// Names are BERT's; clean_bert_names() gives others that form.
Graph build_bert(const BertConfig& config, const Weights& weights);

Architecture describe_bert(const BertConfig& config, const Settings& settings);

/// The one form of names that the models use: wrappers ("model.", "bert.", "distilbert.",
/// "0.auto_model.") cut, gamma and beta renamed to weight and bias, DistilBERT's modules named as
/// BERT's; the buffer of position numbers left out. Returns false, with nothing changed, where
/// there is no encoder. Throws Error where two tensors get one name. `file` is named in messages.
bool clean_bert_names(std::map<std::string, Tensor>& tensors, const std::string& file);

}  // namespace sidenet::models
