#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

// Vectorised kernels of transformer encoders (arXiv 1706.03762), float32, instruction set chosen at
// run time. A row is one text, packed behind the one before it: row r owns the tokens offsets[r] …
// offsets[r + 1] - 1, and no token is padding. `threads` is how many the kernel may use; the bits
// of a row depend on nothing but that row: not on `threads`, nor on how many rows there are, nor on
// where it stands. NaN and infinity come out where they go in. kernels/reference has the plain form
// of each.
namespace sidenet::kernels::cpu {

/// gelu: x Phi(x); gelu_tanh: its approximation by tanh (both arXiv 1606.08415, section 2).
enum class Activation { none, relu, gelu, gelu_tanh, tanh };

struct LinearWeights {
  const float* weight;  // (out_features, in_features), row-major
  const float* bias;    // (out_features) or null
  int out_features;
};

/// y = activation(x W^T + b) + residual, for many rows (tokens). PackedLinear suits few rows, whose
/// weights are read once.
class PackedGemm {
 public:
  /// weight: (out_features, in_features), neither of them 0; bias: (out_features) or null. Throws
  /// std::bad_alloc.
  PackedGemm(int in_features, int out_features, const float* weight, const float* bias);
  /// Several weights of the same input as one: y holds their outputs side by side.
  PackedGemm(int in_features, std::span<const LinearWeights> parts);
  int in_features() const { return in_features_; }
  int out_features() const { return out_features_; }
  std::size_t weight_bytes() const;
  /// Bytes that run() wants for that many threads; 0 now, its buffers are on the stack.
  std::size_t scratch_bytes(int threads) const;
  /// x: (rows, in_features); y: (rows, out_features); residual: as y or null, and may be y itself.
  /// y is not x.
  void run(const float* x, int rows, float* y, Activation activation, const float* residual,
           std::byte* scratch, int threads) const;

 private:
  int in_features_, out_features_;
  std::shared_ptr<float> packed_;  // 64-byte aligned
  std::vector<float> bias_;        // padded to whole vectors
};

/// y = (x - mean) / sqrt(variance + epsilon) * gamma + beta over each token (arXiv 1607.06450). x:
/// (rows, hidden); gamma, beta: (hidden). y may be x.
void layer_norm(const float* x, const float* gamma, const float* beta, float epsilon, float* y,
                int rows, int hidden, int threads);

/// y = gelu(x), |error| <= 3e-7, of the form with erf or with tanh. y may be x.
void gelu(const float* x, float* y, std::size_t count, bool tanh_form, int threads);
/// y = tanh(x), within 3 ulp. y may be x.
void tanh(const float* x, float* y, std::size_t count, int threads);

/// Bytes that self_attention() needs, 64-byte aligned, where no row is longer than `longest_row`
/// tokens.
std::size_t self_attention_scratch_bytes(int longest_row, int heads, int head_dim, int threads);
/// softmax(Q K^T * scale) V for each row and head (arXiv 1706.03762, section 3.2). qkv: (tokens, 3
/// * hidden) as [Q|K|V], hidden = heads * head_dim, heads side by side in each; offsets: (rows +
/// 1); y: (tokens, hidden).
void self_attention(const float* qkv, const std::int64_t* offsets, int rows, int heads,
                    int head_dim, float scale, float* y, std::byte* scratch, int threads);
/// The first token of each row of self_attention(), with its bits, for the cost of one query a row.
/// q: (rows, hidden), of the first tokens; kv: (tokens, 2 * hidden) as [K|V]; y: (rows, hidden). A
/// row without tokens keeps its y. The same scratch.
void first_token_attention(const float* q, const float* kv, const std::int64_t* offsets, int rows,
                           int heads, int head_dim, float scale, float* y, std::byte* scratch,
                           int threads);

/// y[r] = mean of the tokens of row r, 0 for a row without any. x: (tokens, width); y: (rows,
/// width).
void mean_tokens(const float* x, const std::int64_t* offsets, int rows, int width, float* y,
                 int threads);

}  // namespace sidenet::kernels::cpu
