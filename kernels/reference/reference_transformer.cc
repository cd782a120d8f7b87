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

// y = x Phi(x), Phi(x) = erfc(-x / sqrt(2)) / 2; or x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) /
// 2
void gelu(const float* x, float* y, std::size_t count, bool tanh_form) {
  const double pi = std::acos(-1.0);
  for (std::size_t i = 0; i < count; ++i) {
    const double v = x[i];
    const double phi = tanh_form
                           ? 0.5 * (1 + std::tanh(std::sqrt(2 / pi) * (v + 0.044715 * v * v * v)))
                           : 0.5 * std::erfc(-v / std::sqrt(2.0));
    y[i] = static_cast<float>(v * phi);
  }
}

void tanh(const float* x, float* y, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) y[i] = static_cast<float>(std::tanh(double(x[i])));
}

// y = softmax(Q K^T * scale) V, one row and one head at a time
void self_attention(const float* qkv, const std::int64_t* offsets, int rows, int heads,
                    int head_dim, float scale, float* y) {
  const std::size_t hidden = std::size_t(heads) * head_dim;
  for (int r = 0; r < rows; ++r) {
    const std::size_t tokens = offsets[r + 1] - offsets[r];
    const float* row = qkv + std::size_t(offsets[r]) * 3 * hidden;
    std::vector<double> p(tokens);
    for (int h = 0; h < heads; ++h) {
      for (std::size_t i = 0; i < tokens; ++i) {
        const float* query = row + i * 3 * hidden + std::size_t(h) * head_dim;
        for (std::size_t j = 0; j < tokens; ++j) {
          const float* key = row + j * 3 * hidden + hidden + std::size_t(h) * head_dim;
          p[j] = 0;
          for (int d = 0; d < head_dim; ++d) p[j] += double(query[d]) * key[d];
          p[j] *= scale;
        }
        const double largest = *std::max_element(p.begin(), p.end());
        double sum = 0;
        for (double& value : p) sum += value = std::exp(value - largest);
        for (int d = 0; d < head_dim; ++d) {
          double mixed = 0;
          for (std::size_t j = 0; j < tokens; ++j) {
            mixed += p[j] / sum * row[j * 3 * hidden + 2 * hidden + std::size_t(h) * head_dim + d];
          }
          y[(std::size_t(offsets[r]) + i) * hidden + std::size_t(h) * head_dim + d] =
              static_cast<float>(mixed);
        }
      }
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
