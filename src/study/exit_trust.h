#pragma once

#include <vector>

#include "calibrator.h"
#include "measure_exits.h"
#include "model_data.h"
#include "sidenet/calibration.h"

namespace sidenet {

/// Each exit before (as `data` has it) and after calibration, told on those of `rows` that reach it
/// at these thresholds. scores: of what was measured, with the calibrations.
std::vector<CalibratedExit> tell_trust(const ModelData& data, const MeasuredExits& measured,
                                       const ExitScores& scores,
                                       const std::vector<Calibration>& calibrations,
                                       const std::vector<double>& thresholds,
                                       const std::vector<std::uint32_t>& rows, std::uint64_t seed);

}  // namespace sidenet
