#pragma once

#include <vector>

#include "calibrator.h"
#include "measure_exits.h"
#include "model_data.h"
#include "sidenet/operating_point.h"

namespace sidenet {

/// How the model turns each exit's logits into a confidence, `final` last.
std::vector<Calibration> calibrations_of(const ModelData& data);
/// The model's own thresholds, one an exit without `final`; kShut where above 1.
std::vector<double> thresholds_of(const ModelData& data);

/// What was measured, with confidences from `calibrations`: one an exit.
ExitScores scores_of(const MeasuredExits& measured, const std::vector<Calibration>& calibrations);
/// Some of the rows, in this order.
MeasuredExits take_rows(const MeasuredExits& measured, const std::vector<std::uint32_t>& rows);
/// A model that answers with these, and has no certificate yet.
ModelData with_calibrations(const ModelData& data, const std::vector<Calibration>& calibrations,
                            const std::vector<double>& thresholds);

}  // namespace sidenet
