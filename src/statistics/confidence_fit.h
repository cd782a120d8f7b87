#pragma once

#include <cstdint>
#include <span>

#include "confidence_map.h"

namespace sidenet {

/// What turns an exit's logits into a confidence.
enum class ConfidenceFit : std::uint8_t {
  automatic,  ///< the first of the others that a later one does not beat: see choose_confidence_fit
  temperature,  ///< softmax(logits / T) alone (Guo et al., arXiv 1706.04599, section 4.2)
  sigmoid,      ///< then sigmoid(a logit(confidence) + b), a > 0 (Platt, "Probabilistic outputs for
                ///< SVMs", 1999)
  isotonic  ///< then a rising line through bins of rows, drawn towards the sigmoid where a bin has
            ///< few rows
};

/// "automatic", …
const char* confidence_fit_name(ConfidenceFit fit);

constexpr int kCalibrationFolds = 5;

/// A row's confidence after the temperature, whether its class was right, and its fold (0 …
/// kCalibrationFolds - 1).
struct JudgedRow {
  float confidence;
  bool right;
  int fold;
};

/// The map of one kind, not automatic; the identity for `temperature` or no rows.
ConfidenceMap fit_confidence_map(ConfidenceFit fit, std::span<const JudgedRow> rows);

/// The kind that `automatic` comes to: temperature, sigmoid, isotonic in this order, moving on only
/// where the log loss of (confidence, right) over rows left out of the fit falls by more than its
/// standard error. Fewer than 50 rows: temperature.
ConfidenceFit choose_confidence_fit(std::span<const JudgedRow> rows);

}  // namespace sidenet
