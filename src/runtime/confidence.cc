#include "confidence.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sidenet {

float confidence_of(const float* logits, int classes, double temperature, Confidence kind) {
  if (classes == 1) return std::isfinite(*logits) ? 1.0f : std::numeric_limits<float>::quiet_NaN();
  const double largest = *std::max_element(logits, logits + classes);
  double sum = 0, weighted = 0, second = 0;
  bool seen_largest = false;
  for (int i = 0; i < classes; ++i) {
    const double scaled = (static_cast<double>(logits[i]) - largest) / temperature;
    const double e = std::exp(scaled);
    sum += e;
    if (e > 0) weighted += e * scaled;
    if (logits[i] == largest && !seen_largest) {
      seen_largest = true;
    } else {
      second = std::max(second, e);
    }
  }
  switch (kind) {
    case Confidence::max_probability: return static_cast<float>(1 / sum);
    case Confidence::margin: return static_cast<float>((1 - second) / sum);
    // H = log(sum) - (sum of e scaled) / sum
    case Confidence::entropy:
      return static_cast<float>(1 - (std::log(sum) - weighted / sum) /
                                        std::log(static_cast<double>(classes)));
  }
  return 0;
}

}  // namespace sidenet
