#include <algorithm>
#include <cmath>
#include <vector>

#include "reference_kernels.h"

namespace sidenet::kernels::reference {

// y = (x - mean) / sqrt(variance + epsilon) * gamma + beta, mean and variance over the hidden units
// of one token
void layer_norm(const float* x, const float* gamma, const float* beta, float epsilon, float* y,
                int rows, int hidden) {
  for (int r = 0; r < rows; ++r, x += hidden, y += hidden) {
    double mean = 0, variance = 0;
    for (int i = 0; i < hidden; ++i) mean += x[i];
    mean /= hidden;
    for (int i = 0; i < hidden; ++i) variance += (x[i] - mean) * (x[i] - mean);
    variance /= hidden;
    for (int i = 0; i < hidden; ++i) {
      y[i] = static_cast<float>((x[i] - mean) / std::sqrt(variance + epsilon) * gamma[i] + beta[i]);
    }
  }
}

namespace {

// One query of one head over the tokens of its row. k, v: `stride` apart.
void attend(const float* query, const float* k, const float* v, std::size_t stride,
            std::size_t tokens, int head_dim, float scale, float* y) {
  std::vector<double> p(tokens);
  for (std::size_t j = 0; j < tokens; ++j) {
    p[j] = 0;
    for (int d = 0; d < head_dim; ++d) p[j] += double(query[d]) * k[j * stride + d];
    p[j] *= scale;
  }
  const double largest = *std::max_element(p.begin(), p.end());
  double sum = 0;
  for (double& value : p) sum += value = std::exp(value - largest);
  for (int d = 0; d < head_dim; ++d) {
    double mixed = 0;
    for (std::size_t j = 0; j < tokens; ++j) mixed += p[j] / sum * v[j * stride + d];
    y[d] = static_cast<float>(mixed);
  }
}

}  // namespace

// y = softmax(Q K^T * scale) V, one row and one head at a time
void self_attention(const float* qkv, const std::int64_t* offsets, int rows, int heads,
                    int head_dim, float scale, float* y) {
  const std::size_t hidden = std::size_t(heads) * head_dim, stride = 3 * hidden;
  for (int r = 0; r < rows; ++r) {
    const std::size_t first = offsets[r], tokens = offsets[r + 1] - offsets[r];
    for (int h = 0; h < heads; ++h) {
      const std::size_t head = std::size_t(h) * head_dim;
      const float* q = qkv + first * stride + head;
      for (std::size_t i = 0; i < tokens; ++i)
        attend(q + i * stride, q + hidden, q + 2 * hidden, stride, tokens, head_dim, scale,
               y + (first + i) * hidden + head);
    }
  }
}

// The same of first tokens alone
void first_token_attention(const float* q, const float* kv, const std::int64_t* offsets, int rows,
                           int heads, int head_dim, float scale, float* y) {
  const std::size_t hidden = std::size_t(heads) * head_dim, stride = 2 * hidden;
  for (int r = 0; r < rows; ++r) {
    const std::size_t first = offsets[r], tokens = offsets[r + 1] - offsets[r];
    for (int h = 0; h < heads && tokens > 0; ++h) {
      const std::size_t head = std::size_t(h) * head_dim, row = std::size_t(r) * hidden + head;
      const float* k = kv + first * stride + head;
      attend(q + row, k, k + hidden, stride, tokens, head_dim, scale, y + row);
    }
  }
}

// y[r] = mean of the tokens of row r
void mean_tokens(const float* x, const std::int64_t* offsets, int rows, int width, float* y) {
  for (int r = 0; r < rows; ++r) {
    const std::int64_t tokens = offsets[r + 1] - offsets[r];
    for (int c = 0; c < width; ++c) {
      double sum = 0;
      for (std::int64_t t = offsets[r]; t < offsets[r + 1]; ++t) sum += x[t * width + c];
      y[std::size_t(r) * width + c] = static_cast<float>(tokens > 0 ? sum / double(tokens) : 0.0);
    }
  }
}

}  // namespace sidenet::kernels::reference
