#pragma once

#include "basic_kernels.h"
#include "operation.h"

namespace sidenet::ops {

/// How a row of tokens becomes one vector.
enum class TokenPooling {
  cls,      ///< its first token's, [CLS]
  mean,     ///< the mean of its tokens (sentence-transformers, arXiv 1908.10084)
  cls_mean  ///< both, one behind the other
};

/// "cls", "mean", "cls+mean".
const char* token_pooling_name(TokenPooling pooling);
/// Throws Error where the name is none of these.
TokenPooling token_pooling_of(const std::string& name);
/// Features of a row of tokens (kTokens, hidden).
std::int64_t pooled_features(TokenPooling pooling, std::int64_t hidden);
/// x: (tokens, hidden); y: (rows, pooled_features).
void pool_tokens(const kernels::BasicKernels& kernels, TokenPooling pooling, const float* x,
                 int hidden, const RowBatch& batch, float* y, int threads);

/// (kTokens, hidden) to (features).
class TokenPool : public Operation {
 public:
  explicit TokenPool(TokenPooling pooling) : pooling_(pooling) {}
  TokenPooling pooling() const { return pooling_; }
  std::string kind() const override {
    return std::string("token_pool ") + token_pooling_name(pooling_);
  }
  Shape output_shape(std::span<const Shape> inputs) const override;
  std::unique_ptr<Executable> prepare(std::span<const Shape> inputs,
                                      const PrepareOptions& options) const override;

 private:
  TokenPooling pooling_;
};

}  // namespace sidenet::ops
