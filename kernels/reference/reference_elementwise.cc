#include <algorithm>
#include <cmath>

#include "reference_kernels.h"

namespace sidenet::kernels::reference {

void add(const float* a, const float* b, float* y, std::size_t count, bool relu) {
  for (std::size_t i = 0; i < count; ++i) {
    const float sum = a[i] + b[i];
    y[i] = relu && sum < 0 ? 0 : sum;
  }
}

void scale_shift(const float* x, const float* scale, const float* shift, float* y,
                 std::size_t pixels, int channels, bool relu) {
  for (std::size_t p = 0; p < pixels; ++p) {
    for (int c = 0; c < channels; ++c) {
      const std::size_t i = p * channels + c;
      const float value = x[i] * scale[c] + shift[c];
      y[i] = relu && value < 0 ? 0 : value;
    }
  }
}

// y = (x - mean) / sqrt(variance + epsilon) * gamma + beta
void batch_norm(const float* x, const float* mean, const float* variance, const float* gamma,
                const float* beta, float epsilon, float* y, std::size_t pixels, int channels) {
  for (std::size_t p = 0; p < pixels; ++p) {
    for (int c = 0; c < channels; ++c) {
      const std::size_t i = p * channels + c;
      y[i] = (x[i] - mean[c]) / std::sqrt(variance[c] + epsilon) * gamma[c] + beta[c];
    }
  }
}

// y = relu?((x - mean) / sqrt(variance + epsilon) * gamma + beta) over each group's channels
void group_norm(const float* x, std::size_t pixels, int channels, int groups, const float* gamma,
                const float* beta, double epsilon, bool relu, float* y) {
  const int each = channels / groups;
  const double count = static_cast<double>(pixels) * each;
  for (int first = 0; first < channels; first += each) {
    const auto for_each = [&](const auto& body) {
      for (std::size_t p = 0; p < pixels; ++p) {
        for (int c = first; c < first + each; ++c) body(p * channels + c, c);
      }
    };
    double mean = 0, variance = 0;
    for_each([&](std::size_t i, int) { mean += x[i] / count; });
    for_each([&](std::size_t i, int) { variance += (x[i] - mean) * (x[i] - mean) / count; });
    for_each([&](std::size_t i, int c) {
      const double value = (x[i] - mean) / std::sqrt(variance + epsilon) * gamma[c] + beta[c];
      y[i] = relu && value < 0 ? 0 : static_cast<float>(value);
    });
  }
}

// gates[c] = 1 / (1 + exp(-x[c]))
void sigmoid(const float* x, float* gates, int channels) {
  for (int c = 0; c < channels; ++c) gates[c] = 1 / (1 + std::exp(-x[c]));
}

// y = relu?(x * gates[c] + residual)
void gate_channels(const float* x, const float* gates, const float* residual, float* y,
                   std::size_t pixels, int channels, bool relu) {
  for (std::size_t p = 0; p < pixels; ++p) {
    for (int c = 0; c < channels; ++c) {
      const std::size_t i = p * channels + c;
      const float value = x[i] * gates[c] + (residual ? residual[i] : 0);
      y[i] = relu && value < 0 ? 0 : value;
    }
  }
}

// y[c] = sum_k weight[k] x[c + k - kernel / 2]
void channel_conv(const float* x, int channels, const float* weight, int kernel, float* y) {
  for (int c = 0; c < channels; ++c) {
    double sum = 0;
    for (int k = 0; k < kernel; ++k) {
      const int from = c + k - kernel / 2;
      if (from >= 0 && from < channels) sum += double(weight[k]) * x[from];
    }
    y[c] = static_cast<float>(sum);
  }
}

// p[i] = exp(x[i] - max x) / sum_j exp(x[j] - max x)
void softmax(const float* x, float* p, int rows, int classes) {
  if (classes <= 0) return;
  for (int r = 0; r < rows; ++r, x += classes, p += classes) {
    const float largest = *std::max_element(x, x + classes);
    float sum = 0;
    for (int i = 0; i < classes; ++i) sum += p[i] = std::exp(x[i] - largest);
    for (int i = 0; i < classes; ++i) p[i] /= sum;
  }
}

}  // namespace sidenet::kernels::reference
