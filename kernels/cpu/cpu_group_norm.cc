#include "cpu_group_norm.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "cpu_elementwise.h"

namespace sidenet::kernels::cpu {
namespace {

// sums[c] = sum over pixels of term(x, c), in the order of pixels.
template <typename Term>
void sum_channels(const float* x, std::size_t pixels, std::size_t channels, double* sums,
                  const Term& term) {
  std::fill_n(sums, channels, 0.0);
  for (std::size_t p = 0; p < pixels; ++p, x += channels) {
    for (std::size_t c = 0; c < channels; ++c) sums[c] += term(x[c], c);
  }
}

}  // namespace

std::size_t group_norm_scratch_bytes(int channels) {
  return std::size_t(channels) * (2 * sizeof(double) + 2 * sizeof(float));
}

void group_norm(const float* x, std::size_t pixels, int channels, int groups, const float* gamma,
                const float* beta, double epsilon, bool relu, float* y, std::byte* scratch,
                int threads) {
  const std::size_t width = std::size_t(channels), each = width / std::size_t(groups);
  auto* sums = reinterpret_cast<double*>(scratch);
  double* means = sums + width;
  auto* scale = reinterpret_cast<float*>(means + width);
  float* shift = scale + width;
  const double count = static_cast<double>(pixels * each);
  sum_channels(x, pixels, width, sums, [](float value, std::size_t) { return value; });
  for (std::size_t g = 0; g < width; g += each)
    std::fill_n(means + g, each, std::accumulate(sums + g, sums + g + each, 0.0) / count);
  sum_channels(x, pixels, width, sums, [means](float value, std::size_t c) {
    return (value - means[c]) * (value - means[c]);
  });
  for (std::size_t g = 0; g < width; g += each) {
    const double variance = std::accumulate(sums + g, sums + g + each, 0.0) / count;
    const double factor = 1 / std::sqrt(variance + epsilon);
    for (std::size_t c = g; c < g + each; ++c) {
      scale[c] = static_cast<float>(factor * gamma[c]);
      shift[c] = static_cast<float>(beta[c] - means[c] * factor * gamma[c]);
    }
  }
  scale_shift(x, scale, shift, y, pixels, channels, relu, threads);
}

}  // namespace sidenet::kernels::cpu
