#pragma once

#include <cstddef>
#include <cstdint>

#include "activation.h"
#include "conv2d_shape.h"
#include "pool2d_shape.h"

// The text-book form of every operation, float32, single-threaded. Activations are channels-last:
// one row is (h, w, c) or (features). kernels/cpu and kernels/onednn are tested against these. Sums
// of products run in double and are rounded once, so that what a test measures is the error of the
// fast kernel.
namespace sidenet::kernels::reference {

/// dst = relu?(conv(src, weight) + bias + (residual ? dst : 0)). As PyTorch's Conv2d: a
/// cross-correlation, zeros outside. src: (in_h, in_w, in_channels); weight: (out_channels,
/// in_channels / groups, kernel_h, kernel_w); bias: (out_channels) or null; dst: (out_h, out_w,
/// out_channels).
void conv2d(const Conv2dShape& shape, const float* src, const float* weight, const float* bias,
            const Conv2dPost& post, float* dst);

/// y = relu?(x W^T + b). x: (rows, in_features); weight: (out_features, in_features); bias:
/// (out_features) or null.
void linear(const float* x, int rows, int in_features, const float* weight, const float* bias,
            int out_features, bool relu, float* y);
/// C (m, n) = op(A) op(B) + (accumulate ? C : 0), row-major; op(A) is (m, k), op(B) (k, n); see
/// gemm.h.
void gemm(bool transpose_a, bool transpose_b, int m, int n, int k, const float* a, int lda,
          const float* b, int ldb, bool accumulate, float* c, int ldc);

/// y = activation(x); NaN stays NaN. y may be x.
void activate(Activation activation, const float* x, float* y, std::size_t count);
/// y = relu?(a + b).
void add(const float* a, const float* b, float* y, std::size_t count, bool relu);
/// y = relu?(x * scale[c] + shift[c]). x: (pixels, channels); scale, shift: (channels).
void scale_shift(const float* x, const float* scale, const float* shift, float* y,
                 std::size_t pixels, int channels, bool relu);
/// y = (x - mean[c]) / sqrt(variance[c] + epsilon) * gamma[c] + beta[c] (arXiv 1502.03167,
/// algorithm 2).
void batch_norm(const float* x, const float* mean, const float* variance, const float* gamma,
                const float* beta, float epsilon, float* y, std::size_t pixels, int channels);
/// As batch_norm(), with the mean and variance of x's own pixels and channels in c's group (arXiv
/// 1803.08494), and a ReLU.
void group_norm(const float* x, std::size_t pixels, int channels, int groups, const float* gamma,
                const float* beta, double epsilon, bool relu, float* y);
/// gates[c] = 1 / (1 + exp(-x[c])).
void sigmoid(const float* x, float* gates, int channels);
/// y = relu?(x * gates[c] + residual). x, y: (pixels, channels); residual: as x, or null.
void gate_channels(const float* x, const float* gates, const float* residual, float* y,
                   std::size_t pixels, int channels, bool relu);
/// y[c] = sum_k weight[k] x[c + k - kernel / 2], zeros outside (arXiv 1910.03151, equation 7).
void channel_conv(const float* x, int channels, const float* weight, int kernel, float* y);
/// p[i] = exp(x[i] - max x) / sum_j exp(x[j] - max x), a row at a time. x: (rows, classes).
void softmax(const float* x, float* p, int rows, int classes);

/// The largest value under the window; padding never wins.
void max_pool(const Pool2dShape& shape, const float* x, float* y);
/// The mean under the window. The divisor counts padding if count_include_pad, but nothing beyond
/// it (a last window of ceil_mode overhangs), as in PyTorch.
void avg_pool(const Pool2dShape& shape, const float* x, float* y);
/// Every stride-th pixel of x blurred by (1, 2, 1) / 4 along both axes (arXiv 1904.11486). Outside
/// the image lie its pixels mirrored at the outermost ones; h and w: 2 or more.
void blur_pool(const float* x, int h, int w, int channels, int stride, float* y);
/// PyTorch's adaptive average: cell i of n covers floor(i h / n) … ceil((i + 1) h / n).
void adaptive_avg_pool(const float* x, int h, int w, int channels, float* y, int out_h, int out_w);

/// Option-A shortcut (arXiv 1512.03385, section 3.3): every stride-th pixel, zero channels in front
/// and behind.
void pad_shortcut(const float* x, int h, int w, int in_channels, int stride, int pad_before,
                  float* y, int out_channels);
/// (channels, pixels) to (pixels, channels) and back.
void chw_to_hwc(const float* x, int channels, int pixels, float* y);
void hwc_to_chw(const float* x, int channels, int pixels, float* y);

/// y = (x - mean) / sqrt(variance + epsilon) * gamma + beta over each token (arXiv 1607.06450). x:
/// (rows, hidden).
void layer_norm(const float* x, const float* gamma, const float* beta, float epsilon, float* y,
                int rows, int hidden);
/// softmax(Q K^T * scale) V (arXiv 1706.03762, section 3.2) among the tokens offsets[r] … offsets[r
/// + 1] - 1 of each row and for each head. qkv: (tokens, 3 * heads * head_dim) as [Q|K|V], heads
/// side by side; y: (tokens, heads * head_dim).
void self_attention(const float* qkv, const std::int64_t* offsets, int rows, int heads,
                    int head_dim, float scale, float* y);
/// The first token of each row of it. q: (rows, heads * head_dim), of first tokens; kv: (tokens, 2
/// * heads * head_dim) as [K|V]; y: as q. A row without tokens keeps its y.
void first_token_attention(const float* q, const float* kv, const std::int64_t* offsets, int rows,
                           int heads, int head_dim, float scale, float* y);
/// y[r] = mean of the tokens of row r, 0 for a row without any. x: (tokens, width); y: (rows,
/// width).
void mean_tokens(const float* x, const std::int64_t* offsets, int rows, int width, float* y);

}  // namespace sidenet::kernels::reference
