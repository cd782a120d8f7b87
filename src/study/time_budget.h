#pragma once

#include <cstdint>
#include <vector>

#include "sidenet/calibration.h"
#include "sidenet/operating_point.h"

namespace sidenet {

/// The most accurate thresholds on `rows` that keep to the budget there, by each segment's and
/// SideNet's measured time. Throws Error that tells the least possible where none do.
std::vector<double> thresholds_within(const Budget& budget, const ExitScores& scores,
                                      const std::vector<std::uint32_t>& rows, std::uint64_t seed);

/// Fills result.row_ms and measured_row_ms: what the first rows of the data should take with
/// `thresholds`, and what they take now, on the clock.
void tell_budget(CalibrateResult& result, const Dataset& data, const ExitScores& scores,
                 const std::vector<double>& thresholds, const CalibrateOptions& options);

}  // namespace sidenet
