#pragma once

#include "operation.h"

namespace sidenet::ops {

/// Multi-head scaled dot-product self-attention (arXiv 1706.03762, section 3.2): the tokens of a
/// row attend to that row's tokens alone. (kTokens, 3 hidden), which is Q, K and V side by side, to
/// (kTokens, hidden).
class SelfAttention : public Operation {
 public:
  explicit SelfAttention(int heads) : heads_(heads) {}
  int heads() const { return heads_; }
  std::string kind() const override { return "self_attention"; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  /// Q K^T and P V.
  std::int64_t multiply_adds(std::span<const Shape> inputs) const override;
  std::unique_ptr<Executable> prepare(std::span<const Shape> inputs,
                                      const PrepareOptions& options) const override;

 private:
  int heads_;
};

/// The same for the first token of each row alone: Q (hidden) of these, K and V (kTokens, 2 hidden)
/// of all, to (hidden).
class FirstTokenAttention : public Operation {
 public:
  explicit FirstTokenAttention(int heads) : heads_(heads) {}
  std::string kind() const override { return "first_token_attention"; }
  InputCount input_count() const override { return {2, 2}; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  std::int64_t multiply_adds(std::span<const Shape> inputs) const override;
  std::unique_ptr<Executable> prepare(std::span<const Shape> inputs,
                                      const PrepareOptions& options) const override;

 private:
  int heads_;
};

}  // namespace sidenet::ops
