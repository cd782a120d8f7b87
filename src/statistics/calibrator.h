#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "confidence_fit.h"
#include "confidence_map.h"
#include "sidenet/tensor.h"

namespace sidenet {

struct CalibrationOptions {
  ConfidenceFit fit = ConfidenceFit::automatic;
  std::uint64_t seed = 0;  ///< of the folds of the cross-validation
};

/// An exit's confidence is map(max softmax(logits / temperature)). Neither changes which class is
/// the largest.
struct Calibration {
  double temperature = 1;
  ConfidenceMap map;
  ConfidenceFit fit = ConfidenceFit::temperature;  ///< what it came to; never automatic
  std::int64_t rows = 0;                           ///< that it was fitted on
};

// logits (all rows, classes), float32 and finite; labels: one a row; rows: indices of those to fit
// on. All throw Error where counts disagree, or an index, a label or a logit is not usable.

/// The temperature with the least negative log-likelihood of `rows` under a prior worth three rows
/// around `prior`, which decides where there are few rows, or where all are right. In 1e-4 … 1e4.
double fit_temperature(const Tensor& logits, const std::vector<int>& labels,
                       std::span<const std::uint32_t> rows, double prior);

/// The temperature of `rows` (the prior: that of all rows), then the map. `automatic` takes
/// temperature, sigmoid, isotonic in this order and moves on only where the log loss of
/// (confidence, right) in five-fold cross-validation on `rows` falls by more than its standard
/// error. No rows: the temperature of all rows.
Calibration fit_calibration(const Tensor& logits, const std::vector<int>& labels,
                            std::span<const std::uint32_t> rows,
                            const CalibrationOptions& options = {});

/// The confidence of each row, as the runtime has it.
std::vector<float> calibrated_confidences(const Tensor& logits, const Calibration& calibration);

/// All exits in graph order, `final` last: each on the rows that reach it, which are those whose
/// calibrated confidence was below the threshold of every exit before it. thresholds: one an exit;
/// that of `final` is not looked at. A threshold above 1 shuts an exit: all rows pass it.
std::vector<Calibration> fit_calibrations(std::span<const Tensor> logits,
                                          const std::vector<int>& labels,
                                          std::span<const double> thresholds,
                                          const CalibrationOptions& options = {});

/// The rows that reach each exit, ascending, for those calibrations and thresholds.
std::vector<std::vector<std::uint32_t>> rows_that_reach(std::span<const Tensor> logits,
                                                        std::span<const Calibration> calibrations,
                                                        std::span<const double> thresholds);

}  // namespace sidenet
