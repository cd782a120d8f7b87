#pragma once

#include <string>
#include <vector>

#include "calibration_rows.h"
#include "sidenet/calibration.h"

namespace sidenet {

/// Where MainNet is right on almost all rows, so that it may know them; else "".
std::string note_of_known_rows(double mainnet_accuracy);

/// What is worth knowing of the rows before anything is believed: a line each. scores: of all
/// measured rows.
std::vector<std::string> notes_of_rows(const ExitScores& scores, const CalibrationRows& rows,
                                       bool training_rows_known, const CalibrateOptions& options);

/// Exits that are open at their thresholds and answer nothing.
std::vector<std::string> notes_of_idle_exits(const std::vector<std::string>& names,
                                             const OperatingPoint& point, std::size_t rows);

}  // namespace sidenet
