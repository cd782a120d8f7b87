#pragma once

#include <cstdint>
#include <vector>

#include "measure_exits.h"
#include "model_data.h"
#include "sidenet/calibration.h"

namespace sidenet {

/// Rows of calibration, as indices of what was measured, ascending.
struct CalibrationRows {
  std::vector<std::uint32_t> used, fitting, testing;  ///< the last two are all of the first
  std::int64_t left_out = 0;                          ///< because SideNets were trained on them
  std::int64_t copies = 0;  ///< the same to the network as a row before, of those not left out
};

/// Digests of the rows that SideNets were trained on, sorted; empty where the model does not tell.
std::vector<std::uint32_t> training_rows_of(const ModelData& data);

/// Without the rows of training, and with `distinct` without copies, split plainly at random by the
/// seed: tests need independent rows, so neither classes nor contents have a say. Copies of a row
/// may come on both sides, which does no harm: given the fitting rows, the others are as
/// independent as they were. Throws Error where too few are left.
CalibrationRows choose_rows(const MeasuredExits& measured, const std::vector<std::uint32_t>& known,
                            const CalibrateOptions& options);

/// Rows without labels: the same, and none is split off. Throws Error where they are the labelled
/// ones, or none is left.
std::vector<std::uint32_t> choose_unlabelled(const MeasuredExits& unlabelled,
                                             const MeasuredExits& labelled,
                                             const CalibrationRows& rows,
                                             const std::vector<std::uint32_t>& known,
                                             const CalibrateOptions& options);

/// How many of `total` rows fit.
std::int64_t fitting_share(std::int64_t total, const CalibrateOptions& options);
/// The fewest rows in all of which `testing` test.
std::int64_t total_rows(std::int64_t testing, const CalibrateOptions& options);

}  // namespace sidenet
