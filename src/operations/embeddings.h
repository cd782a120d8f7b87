#pragma once

#include "operation.h"

namespace sidenet::ops {

/// BERT's input (arXiv 1810.04805, figure 2): the sum of a token's word, position and type
/// embeddings. (kTokens, 3), each a word id, a position and a type stored as floats, to (kTokens,
/// hidden).
class Embeddings : public Operation {
 public:
  /// words: (vocabulary, hidden); positions: (max positions, hidden); types: (types, hidden), or
  /// empty (DistilBERT).
  Embeddings(Tensor words, Tensor positions, Tensor types);
  std::string kind() const override { return "embeddings"; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  std::int64_t parameters() const override;
  /// Ids are taken as they are: who packs the rows has checked them.
  std::unique_ptr<Executable> prepare(std::span<const Shape> inputs,
                                      const PrepareOptions& options) const override;

 private:
  Tensor words_, positions_, types_;
};

}  // namespace sidenet::ops
