#include "self_attention.h"

#include <cmath>

#include "basic_kernels.h"
#include "checked.h"
#include "sidenet/error.h"

namespace sidenet::ops {
namespace {

class AttentionExecutable : public Executable {
 public:
  AttentionExecutable(int heads, int head_dim, const kernels::BasicKernels& kernels)
      : heads_(heads),
        head_dim_(head_dim),
        scale_(1.0f / std::sqrt(static_cast<float>(head_dim))),
        kernels_(kernels) {}
  std::string kernel() const override { return kernels_.name; }
  std::size_t scratch_bytes(const Capacity& capacity) const override {
    return kernels_.self_attention_scratch_bytes(capacity.tokens, heads_, head_dim_,
                                                 capacity.threads);
  }
  void run(std::span<const float* const> inputs, float* output, const RowBatch& batch,
           std::byte* scratch, int threads) const override {
    if (inputs.size() == 2) {
      kernels_.first_token_attention(inputs[0], inputs[1], batch.offsets, batch.rows, heads_,
                                     head_dim_, scale_, output, scratch, threads);
    } else {
      kernels_.self_attention(inputs[0], batch.offsets, batch.rows, heads_, head_dim_, scale_,
                              output, scratch, threads);
    }
  }

 private:
  int heads_, head_dim_;
  float scale_;
  const kernels::BasicKernels& kernels_;
};

}  // namespace

Shape SelfAttention::output_shape(std::span<const Shape> inputs) const {
  const Shape& in = inputs[0];
  if (in.size() != 2 || in[1] < 3 || in[1] % (3 * heads_) != 0) {
    throw Error("self_attention: expected (tokens, 3 hidden) with hidden a multiple of " +
                std::to_string(heads_) + " heads, got " + to_string(in));
  }
  return {in[0], in[1] / 3};
}

std::int64_t SelfAttention::multiply_adds(std::span<const Shape> inputs) const {
  return saturating_mul(2 * inputs[0][0] * inputs[0][0], inputs[0][1] / 3);
}

std::unique_ptr<Executable> SelfAttention::prepare(std::span<const Shape> inputs,
                                                   const PrepareOptions& options) const {
  return std::make_unique<AttentionExecutable>(
      heads_, checked_int(inputs[0][1] / 3 / heads_, "self_attention"),
      kernels::basic_kernels(options.kernels));
}

Shape FirstTokenAttention::output_shape(std::span<const Shape> inputs) const {
  const Shape &q = inputs[0], &kv = inputs[1];
  if (q.size() != 1 || kv.size() != 2 || q[0] < 1 || q[0] % heads_ != 0 || kv[1] != 2 * q[0]) {
    throw Error(
        "first_token_attention: expected (hidden) and (tokens, 2 hidden) with hidden a multiple "
        "of " +
        std::to_string(heads_) + " heads, got " + to_string(q) + " and " + to_string(kv));
  }
  return q;
}

std::int64_t FirstTokenAttention::multiply_adds(std::span<const Shape> inputs) const {
  return 2 * inputs[1][0] * inputs[0][0];
}

std::unique_ptr<Executable> FirstTokenAttention::prepare(std::span<const Shape> inputs,
                                                         const PrepareOptions& options) const {
  return std::make_unique<AttentionExecutable>(
      heads_, checked_int(inputs[0][0] / heads_, "first_token_attention"),
      kernels::basic_kernels(options.kernels));
}

}  // namespace sidenet::ops
