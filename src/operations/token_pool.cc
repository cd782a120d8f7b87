#include "token_pool.h"

#include <cstring>

#include "checked.h"
#include "sidenet/error.h"

namespace sidenet::ops {
namespace {

class TokenPoolExecutable : public Executable {
 public:
  TokenPoolExecutable(TokenPooling pooling, int hidden, const kernels::BasicKernels& kernels)
      : pooling_(pooling), hidden_(hidden), kernels_(kernels) {}
  std::string kernel() const override { return kernels_.name; }
  void run(std::span<const float* const> inputs, float* output, const RowBatch& batch, std::byte*,
           int threads) const override {
    pool_tokens(kernels_, pooling_, inputs[0], hidden_, batch, output, threads);
  }

 private:
  TokenPooling pooling_;
  int hidden_;
  const kernels::BasicKernels& kernels_;
};

}  // namespace

std::int64_t pooled_features(TokenPooling pooling, std::int64_t hidden) {
  return pooling == TokenPooling::cls_mean ? 2 * hidden : hidden;
}

void pool_tokens(const kernels::BasicKernels& kernels, TokenPooling pooling, const float* x,
                 int hidden, const RowBatch& batch, float* y, int threads) {
  const auto width = static_cast<std::size_t>(hidden);
  if (pooling == TokenPooling::mean) {
    kernels.mean_tokens(x, batch.offsets, batch.rows, hidden, y, threads);
    return;
  }
  const auto features = static_cast<std::size_t>(pooled_features(pooling, hidden));
  for (std::size_t row = 0; row < static_cast<std::size_t>(batch.rows); ++row) {
    std::memcpy(y + row * features, x + static_cast<std::size_t>(batch.offsets[row]) * width,
                sizeof(float) * width);
    if (pooling == TokenPooling::cls_mean)
      kernels.mean_tokens(x, batch.offsets + row, 1, hidden, y + row * features + width, threads);
  }
}

Shape TokenPool::output_shape(std::span<const Shape> inputs) const {
  if (inputs[0].size() != 2)
    throw Error("token_pool: expected (tokens, hidden), got " + to_string(inputs[0]));
  return {pooled_features(pooling_, inputs[0][1])};
}

std::unique_ptr<Executable> TokenPool::prepare(std::span<const Shape> inputs,
                                               const PrepareOptions& options) const {
  return std::make_unique<TokenPoolExecutable>(pooling_, checked_int(inputs[0][1], "token_pool"),
                                               kernels::basic_kernels(options.kernels));
}

}  // namespace sidenet::ops
