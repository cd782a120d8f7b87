#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "metrics.h"

namespace sidenet {

// How well a confidence tells right answers from wrong ones, whatever made it: of each row the
// confidence in its answer, in [0, 1], and whether the answer was right (1) or not (0). Means over
// no rows are NaN. Throw Error where the counts disagree or a confidence is outside [0, 1].

/// Area under the ROC curve: the chance that a right answer has more confidence than a wrong one,
/// ties counting half (Mann and Whitney; Hendrycks and Gimpel, arXiv 1610.02136, section 2). NaN
/// where nothing is right or nothing is wrong.
double auroc(std::span<const float> confidence, std::span<const std::uint8_t> right);

/// One bar of a reliability diagram.
struct ReliabilityBin {
  std::int64_t rows = 0;
  double confidence = 0, accuracy = 0;  ///< means; NaN without rows
};

/// The bins of CalibrationBins, lowest first.
std::array<ReliabilityBin, CalibrationBins::bins> reliability(std::span<const float> confidence,
                                                              std::span<const std::uint8_t> right);

/// Scores of the event "the answer is right", not of all classes: a map of the confidence says
/// nothing about the others.
struct TopLabelScores {
  std::int64_t rows = 0;
  double accuracy = 0, confidence = 0;  ///< means
  double ece = 0;                       ///< see CalibrationBins
  double nll = 0;  ///< mean of -log confidence where right and -log(1 - confidence) where wrong, at
                   ///< least 2^-24 each
  double brier = 0;  ///< mean of (confidence - right)^2, in 0 … 1; half of brier_score where there
                     ///< are two classes
  double auroc = 0;
};
TopLabelScores top_label_scores(std::span<const float> confidence,
                                std::span<const std::uint8_t> right);

/// The ECE of so many rows of these confidences where every confidence is true: above 0, as bins of
/// few rows scatter (Bröcker and Smith, Weather and Forecasting 22, 2007). By simulation.
struct EceFloor {
  double mean = 0, quantile95 = 0;
};
/// draws >= 1.
EceFloor ece_floor(std::span<const float> confidence, int draws, std::uint64_t seed);

/// Rows by who was right, an exit or MainNet. `exit_only` is overthinking: MainNet spoils what the
/// exit had (Kaya, Hong and Dumitras, arXiv 1810.07052).
struct Overthinking {
  std::int64_t both_right = 0, exit_only = 0, mainnet_only = 0, both_wrong = 0;
};
/// Throws Error where the counts disagree.
Overthinking overthinking(std::span<const int> exit_prediction,
                          std::span<const int> mainnet_prediction, std::span<const int> labels);

}  // namespace sidenet
