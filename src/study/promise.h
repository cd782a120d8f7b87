#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "calibration_rows.h"
#include "sidenet/calibration.h"
#include "sidenet/operating_point.h"

namespace sidenet {

/// What certifying came to.
struct Promise {
  std::optional<Certificate>
      certificate;  ///< without its digest, and what the model or a file of looks tells
  std::vector<double> thresholds;  ///< all shut without a certificate
  std::optional<std::int64_t> rows_needed;
};

/// Throws Error in total rows to bring where options.epsilon cannot be certified on so few, `level`
/// being the part of delta that this look has. scores: of all measured rows. labels: one a class.
void expect_enough_rows(const ExitScores& scores, const CalibrationRows& rows,
                        std::size_t unlabelled, const std::vector<std::string>& labels,
                        const CalibrateOptions& options, double level);

/// Orders candidates by the fitting rows, tests them on the others. scores: of all measured rows.
/// unlabelled: null: none.
Promise make_promise(const ExitScores& scores, const CalibrationRows& rows,
                     const ExitScores* unlabelled, const std::vector<std::string>& labels,
                     const CalibrateOptions& options, double level);

/// The common threshold that saves the most and keeps epsilon on the fitting rows: temperatures
/// belong to thresholds near it.
std::vector<double> likely_thresholds(const ExitScores& scores, const CalibrationRows& rows,
                                      const CalibrateOptions& options);

}  // namespace sidenet
