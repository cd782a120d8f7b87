#include "standardise.h"

#include <algorithm>
#include <cmath>

#include "sidenet/error.h"

namespace sidenet {

Standardisation Standardisation::measure(const std::string& name, const Tensor& features,
                                         std::span<const std::int64_t> rows, int threads) {
  const std::int64_t width = features.dim(1);
  const float* x = features.data<float>();
  const auto count = static_cast<double>(rows.size());
  std::vector<double> sum(static_cast<std::size_t>(width)), square(static_cast<std::size_t>(width));
  // Each thread takes a range of features through all rows: a feature's sums run over the rows in
  // order, however many threads there are, and the file is read once. Shifted by the first row, so
  // that a large mean cancels nothing.
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int part = 0; part < threads; ++part) {
    const std::int64_t begin = width * part / threads, end = width * (part + 1) / threads;
    const float* shift = x + rows[0] * width;
    for (const std::int64_t row : rows) {
      for (std::int64_t f = begin; f < end; ++f) {
        const double d = static_cast<double>(x[row * width + f]) - static_cast<double>(shift[f]);
        sum[static_cast<std::size_t>(f)] += d;
        square[static_cast<std::size_t>(f)] += d * d;
      }
    }
  }
  Standardisation result;
  double variances = 0;
  for (std::size_t f = 0; f < sum.size(); ++f) {
    const double mean = sum[f] / count;
    const double variance = std::max(0.0, square[f] / count - mean * mean);
    if (!std::isfinite(mean) || !std::isfinite(variance)) {
      throw Error("train " + name + ": feature " + std::to_string(f) +
                  " of MainNet is not finite on some training row");
    }
    result.mean.push_back(static_cast<float>(
        mean + static_cast<double>(x[rows[0] * width + static_cast<std::int64_t>(f)])));
    result.std.push_back(static_cast<float>(std::sqrt(variance)));
    variances += variance;
  }
  const double typical = std::sqrt(variances / static_cast<double>(width));
  for (float& std : result.std)
    std = typical > 0 ? std::max(std, static_cast<float>(0.01 * typical)) : 1.0f;
  return result;
}

void Standardisation::gather(const Tensor& features, std::span<const std::int64_t> rows, float* to,
                             int threads) const {
  const std::int64_t width = features.dim(1);
  const float* x = features.data<float>();
  const auto count = static_cast<std::int64_t>(rows.size());
#pragma omp parallel for num_threads(threads) schedule(static)
  for (std::int64_t r = 0; r < count; ++r) {
    const float* from = x + rows[static_cast<std::size_t>(r)] * width;
    for (std::int64_t f = 0; f < width; ++f) {
      to[r * width + f] =
          (from[f] - mean[static_cast<std::size_t>(f)]) / std[static_cast<std::size_t>(f)];
    }
  }
}

}  // namespace sidenet
