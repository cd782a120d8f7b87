#include "calibrate_measured.h"
#include "data_warnings.h"
#include "exit_calibrations.h"
#include "input_checks.h"
#include "measure_exits.h"
#include "model_data.h"
#include "sidenet/calibration.h"
#include "time_budget.h"

namespace sidenet {

CalibrateResult calibrate(const Model& model, const Dataset& data, const CalibrateOptions& options,
                          const ProgressCallback& progress) {
  check_calibrate_options(model, options);
  const MeasureOptions measuring{.execution = options.execution};
  if (options.unlabelled) check_kind(model, *options.unlabelled);  // before the others are measured
  const MeasuredExits measured = measure_exits(model, data, measuring, progress);
  std::optional<MeasuredExits> unlabelled;
  if (options.unlabelled) {
    MeasureOptions without_labels = measuring;
    without_labels.labels = false;
    unlabelled = measure_exits(model, *options.unlabelled, without_labels, progress);
  }
  CalibrateResult result =
      calibrate_measured(model, measured, unlabelled ? &*unlabelled : nullptr, options);
  const std::vector<std::string> of_pictures = warnings_of_pictures(model, data);
  result.warnings.insert(result.warnings.begin(), of_pictures.begin(), of_pictures.end());
  if (options.budget) {
    const ModelData& calibrated = data_of(result.model);
    tell_budget(result, data, scores_of(measured, calibrations_of(calibrated)),
                thresholds_of(calibrated), options);
  }
  return result;
}

}  // namespace sidenet
