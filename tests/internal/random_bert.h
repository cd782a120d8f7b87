#pragma once

#include "random_model.h"

// Small BERTs with random weights and random rows of tokens.
namespace sidenet::testing {

struct BertSize {
  int layers = 4, hidden = 48, heads = 4, intermediate = 80, words = 50, positions = 40, types = 2,
      classes = 5;
};

inline Weights random_bert(unsigned seed, const BertSize& size = {}) {
  RandomWeights random(seed);
  Weights w;
  const auto linear = [&](const std::string& name, int in, int out) {
    const float bound = 1.7f / std::sqrt(static_cast<float>(in));
    w[name + ".weight"] = random.tensor({out, in}, -bound, bound);
    w[name + ".bias"] = random.tensor({out}, -0.2f, 0.2f);
  };
  const auto norm = [&](const std::string& name) {
    w[name + ".weight"] = random.tensor({size.hidden}, 0.7f, 1.3f);
    w[name + ".bias"] = random.tensor({size.hidden}, -0.2f, 0.2f);
  };
  w["embeddings.word_embeddings.weight"] = random.tensor({size.words, size.hidden}, -1, 1);
  w["embeddings.position_embeddings.weight"] = random.tensor({size.positions, size.hidden}, -1, 1);
  if (size.types > 0)
    w["embeddings.token_type_embeddings.weight"] = random.tensor({size.types, size.hidden}, -1, 1);
  norm("embeddings.LayerNorm");
  for (int i = 0; i < size.layers; ++i) {
    const std::string layer = "encoder.layer." + std::to_string(i) + ".";
    for (const char* name : {"attention.self.query", "attention.self.key", "attention.self.value",
                             "attention.output.dense"})
      linear(layer + name, size.hidden, size.hidden);
    norm(layer + "attention.output.LayerNorm");
    linear(layer + "intermediate.dense", size.hidden, size.intermediate);
    linear(layer + "output.dense", size.intermediate, size.hidden);
    norm(layer + "output.LayerNorm");
  }
  if (size.classes > 0) {
    linear("pooler.dense", size.hidden, size.hidden);
    linear("classifier", size.hidden, size.classes);
  }
  return w;
}

inline ModelData describe_bert(Weights weights, int heads) {
  ModelData data;
  data.source = "test";
  data.weights = std::move(weights);
  data.architecture = models::recognise(models::Weights(data.weights, "test"), "",
                                        {{"num_attention_heads", std::to_string(heads)}});
  for (int i = 0; i < data.architecture.classes; ++i) data.labels.push_back(std::to_string(i));
  return data;
}

inline void add_random_text_exit(RandomWeights& random, ModelData& data, const std::string& tap,
                                 TokenPooling pooling, int hidden) {
  const auto width = data.weights.at("embeddings.word_embeddings.weight").dim(1);
  add_random_exit(random, data, tap, 1, static_cast<int>(ops::pooled_features(pooling, width)),
                  hidden);
  data.exits.back().pooling.tokens = pooling;
}

/// Rows of 1 … longest tokens.
inline TokenRows random_texts(unsigned seed, int rows, int longest, const BertSize& size = {}) {
  RandomWeights random(seed);
  TokenRows texts;
  for (int row = 0; row < rows; ++row) {
    const unsigned length = 1 + random.integer(static_cast<unsigned>(longest));
    const unsigned second = random.integer(length);
    for (unsigned i = 0; i < length; ++i) {
      texts.ids.push_back(
          static_cast<std::int32_t>(random.integer(static_cast<unsigned>(size.words))));
      texts.positions.push_back(static_cast<std::int32_t>(i));
      texts.types.push_back(i > second ? 1 : 0);
    }
    texts.offsets.push_back(texts.tokens());
  }
  return texts;
}

/// The rows of `order`, in that order.
inline TokenRows pick_rows(const TokenRows& texts, const std::vector<std::int64_t>& order) {
  TokenRows result;
  for (const std::int64_t row : order) {
    for (auto token = static_cast<std::size_t>(texts.offsets[static_cast<std::size_t>(row)]);
         token < static_cast<std::size_t>(texts.offsets[static_cast<std::size_t>(row) + 1]);
         ++token) {
      result.ids.push_back(texts.ids[token]);
      result.positions.push_back(texts.positions[token]);
      result.types.push_back(texts.types[token]);
    }
    result.offsets.push_back(result.tokens());
  }
  return result;
}

}  // namespace sidenet::testing
