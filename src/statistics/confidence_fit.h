#pragma once

#include <cstdint>
#include <span>

#include "confidence_map.h"
#include "sidenet/confidence_fit.h"

namespace sidenet {

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
