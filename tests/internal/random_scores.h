#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include "random.h"
#include "sidenet/operating_point.h"

namespace sidenet {

/// Rows of three classes through `exits` SideNets and `final`. Confidences are calibrated (an
/// answer is right at the rate of its confidence), later exits are surer, and exits tend to be
/// wrong on the same rows.
inline ExitScores random_scores(std::size_t rows, std::size_t exits, std::uint64_t seed) {
  ExitScores scores;
  Random random(seed);
  const auto share = [&](std::size_t k) {
    return static_cast<double>(k + 1) / static_cast<double>(exits + 1);
  };
  for (std::size_t k = 0; k <= exits; ++k) {
    scores.names.push_back(k == exits ? "final" : "exit" + std::to_string(k));
    scores.segment_compute.push_back(1 / static_cast<double>(exits + 1));
    scores.head_compute.push_back(k == exits ? 0 : 0.002);
  }
  scores.confidence.resize(exits + 1);
  scores.prediction.resize(exits + 1);
  for (std::size_t row = 0; row < rows; ++row) {
    const double difficulty = random.uniform(), luck = random.uniform();
    const int label = static_cast<int>(random.below(3));
    scores.labels.push_back(label);
    for (std::size_t k = 0; k <= exits; ++k) {
      const double noise = 0.2 * (random.uniform() - 0.5);
      const double confidence = std::clamp(
          1.02 - difficulty * difficulty * (0.75 - 0.5 * share(k)) * (1 + noise), 0.34, 1.0);
      const bool right = (random.uniform() < 0.9 ? luck : random.uniform()) < confidence;
      scores.confidence[k].push_back(static_cast<float>(confidence));
      scores.prediction[k].push_back(right ? label : (label + 1) % 3);
    }
  }
  return scores;
}

}  // namespace sidenet
