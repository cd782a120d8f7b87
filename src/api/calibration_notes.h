#pragma once

#include <string>
#include <vector>

#include "calibration_rows.h"
#include "measure_exits.h"
#include "sidenet/calibration.h"

namespace sidenet {

/// What is worth knowing of the rows before anything is believed: a line each.
std::vector<std::string> notes_of_rows(const Model& model, const MeasuredExits& measured, const CalibrationRows& rows,
                                       bool training_rows_known, const CalibrateOptions& options);

/// Exits that are open at their thresholds and answer nothing.
std::vector<std::string> notes_of_idle_exits(const std::vector<std::string>& names, const OperatingPoint& point,
                                             std::size_t rows);

}  // namespace sidenet
