#include "adamw.h"

#include <cmath>
#include <numbers>

namespace sidenet {

void AdamW::update(std::span<float> parameters, std::span<const float> gradient, std::size_t offset,
                   double learning_rate, double decay, int threads) {
  constexpr double beta1 = 0.9, beta2 = 0.999;
  constexpr float epsilon = 1e-8f;
  const double step = static_cast<double>(step_);
  const float rate = static_cast<float>(learning_rate / (1 - std::pow(beta1, step)));
  const float correct_square = static_cast<float>(1 / (1 - std::pow(beta2, step)));
  const float keep = static_cast<float>(1 - learning_rate * decay);
  const float b1 = static_cast<float>(beta1), b2 = static_cast<float>(beta2);
  float* p = parameters.data();
  const float* g = gradient.data();
  float* m = mean_.data() + offset;
  float* v = square_.data() + offset;
  const auto count = static_cast<std::int64_t>(parameters.size());
#pragma omp parallel for simd num_threads(threads) schedule(static) if (count > 16384)
  for (std::int64_t i = 0; i < count; ++i) {
    m[i] = b1 * m[i] + (1 - b1) * g[i];
    v[i] = b2 * v[i] + (1 - b2) * g[i] * g[i];
    p[i] = keep * p[i] - rate * m[i] / (std::sqrt(v[i] * correct_square) + epsilon);
  }
}

double scheduled_rate(double peak, std::int64_t step, std::int64_t steps, std::int64_t warm_up) {
  if (step < warm_up) return peak * static_cast<double>(step + 1) / static_cast<double>(warm_up);
  const double share = static_cast<double>(step - warm_up) /
                       static_cast<double>(std::max<std::int64_t>(1, steps - warm_up));
  return peak * 0.5 * (1 + std::cos(std::numbers::pi * share));
}

}  // namespace sidenet
