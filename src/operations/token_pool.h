#pragma once

#include "basic_kernels.h"
#include "operation.h"
#include "sidenet/token_pooling.h"

namespace sidenet::ops {

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
  std::string kind() const override { return std::string("token_pool ") + name_of(pooling_); }
  Shape output_shape(std::span<const Shape> inputs) const override;
  std::unique_ptr<Executable> prepare(std::span<const Shape> inputs,
                                      const PrepareOptions& options) const override;

 private:
  TokenPooling pooling_;
};

}  // namespace sidenet::ops
