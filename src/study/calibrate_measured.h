#pragma once

#include "measure_exits.h"
#include "sidenet/calibration.h"

namespace sidenet {

/// Everything that calibrate() does once the exits have been run, but what needs the clock.
/// unlabelled: null: none. result.model is there where options.epsilon is not, or was certified.
CalibrateResult calibrate_measured(const Model& model, const MeasuredExits& measured,
                                   const MeasuredExits* unlabelled,
                                   const CalibrateOptions& options);

/// Throws Error where options are out of range, do not go together, or do not go with the model.
void check_calibrate_options(const Model& model, const CalibrateOptions& options);

}  // namespace sidenet
