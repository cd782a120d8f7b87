#include "calibrate_measured.h"

#include <cmath>
#include <numeric>

#include "calibration_notes.h"
#include "calibration_rows.h"
#include "checked.h"
#include "data_warnings.h"
#include "exit_calibrations.h"
#include "exit_trust.h"
#include "looks.h"
#include "model_data.h"
#include "operating_point.h"
#include "promise.h"
#include "sidenet/error.h"
#include "time_budget.h"

namespace sidenet {
namespace {

using Rows = std::vector<std::uint32_t>;

/// Temperatures and maps for given thresholds, from some rows.
class Fitter {
 public:
  Fitter(const MeasuredExits& measured, const CalibrateOptions& options) : measured_(measured) {
    options_.fit = options.fit;
    options_.seed = options.seed;
  }
  std::vector<Calibration> fit(const Rows& rows, std::vector<double> thresholds) const {
    const MeasuredExits part = take_rows(measured_, rows);
    thresholds.push_back(kShut);
    return fit_calibrations(part.logits, part.labels, thresholds, options_);
  }
  ExitScores scores(const std::vector<Calibration>& calibrations) const {
    return scores_of(measured_, calibrations);
  }

 private:
  const MeasuredExits& measured_;
  CalibrationOptions options_;
};

/// Of MainNet.
ClassCounts answers_of(const ExitScores& scores, const Rows& rows, std::size_t classes) {
  ClassCounts counts(classes);
  for (const std::uint32_t row : rows)
    counts.add(scores.labels[row], scores.prediction.back()[row]);
  return counts;
}

}  // namespace

void check_calibrate_options(const Model& model, const CalibrateOptions& options) {
  if (model.exits().size() < 2)
    throw Error(data_of(model).source +
                ": expected a model with SideNets, found none (`sidenet train` makes them)");
  check_batch(options.execution.batch.value_or(1), "calibrate");
  if (options.epsilon && options.budget)
    throw Error("calibrate: expected a promise (epsilon) or a budget, got both");
  if (options.epsilon && options.keep_training_rows) {
    throw Error(
        "calibrate: expected a promise (epsilon) or rows of training kept, got both: SideNets are "
        "surer of those "
        "rows than of new ones");
  }
  const bool exit_error = options.risk == Risk::exit_error;
  if (!options.epsilon && (options.unlabelled || options.by_class || !options.looks.empty()))
    throw Error(
        "calibrate: unlabelled rows, a promise by class and a file of looks: expected with "
        "epsilon");
  if (options.unlabelled && (exit_error || options.by_class)) {
    throw Error(
        std::string(
            "calibrate: unlabelled rows: expected a drop or disagreement of all rows, got ") +
        (exit_error ? "exit-error" : "a promise by class"));
  }
  if (options.by_class && exit_error)
    throw Error("calibrate: by class: expected drop or disagreement, got exit-error");
  if (options.planned_looks < 0 || (options.planned_looks > 0 && options.looks.empty()))
    throw Error("calibrate: planned looks: expected a number above 0 and a file of looks");
  if (!options.budget) return;
  if (!(options.budget->ms > 0) || std::isinf(options.budget->ms))
    throw Error("calibrate: budget: expected more than 0 ms, got " +
                std::to_string(options.budget->ms));
  if (options.budget->p95 && options.execution.batch.value_or(1) != 1)
    throw Error(
        "calibrate: budget of 95 % of the rows: expected batch 1, where a row has a time of its "
        "own, got " +
        std::to_string(*options.execution.batch));
}

CalibrateResult calibrate_measured(const Model& model, const MeasuredExits& measured,
                                   const MeasuredExits* unlabelled,
                                   const CalibrateOptions& options) {
  CalibrateResult result{.model = model};
  const Rows known = training_rows_of(data_of(model));
  const CalibrationRows rows = choose_rows(measured, known, options);
  result.rows = static_cast<std::int64_t>(rows.used.size());
  result.left_out = rows.left_out;
  result.copies = rows.copies;
  result.fitting_rows = static_cast<std::int64_t>(rows.fitting.size());
  result.testing_rows = static_cast<std::int64_t>(rows.testing.size());
  const Fitter fitter(measured, options);
  std::vector<double> thresholds = thresholds_of(data_of(model));
  std::vector<Calibration> calibrations = fitter.fit(rows.fitting, thresholds);
  ExitScores scores = fitter.scores(calibrations);
  result.notes = measured.notes;
  const ClassCounts mainnet = answers_of(scores, rows.used, model.labels().size());
  result.warnings = warnings_of_answers(model, mainnet);
  for (std::string& warning : warnings_of_missing_classes(model, mainnet, true))
    result.warnings.push_back(std::move(warning));
  for (std::string& note : notes_of_rows(scores, rows, !known.empty(), options))
    result.notes.push_back(std::move(note));

  if (options.epsilon) {
    std::optional<MeasuredExits> others;  // without labels
    if (unlabelled)
      others =
          take_rows(*unlabelled, choose_unlabelled(*unlabelled, measured, rows, known, options));
    if (others) result.unlabelled_rows = static_cast<std::int64_t>(others->labels.size());
    Looks looks(model, measured, rows.used, others ? &*others : nullptr, options);
    result.look = looks.number();
    result.look_delta = looks.level();
    expect_enough_rows(scores, rows, static_cast<std::size_t>(result.unlabelled_rows),
                       model.labels(), options, looks.level());
    calibrations = fitter.fit(rows.fitting, likely_thresholds(scores, rows, options));
    scores = fitter.scores(calibrations);
    std::optional<ExitScores> other_scores;
    if (others) other_scores = scores_of(*others, calibrations);
    Promise promise = make_promise(scores, rows, other_scores ? &*other_scores : nullptr,
                                   model.labels(), options, looks.level());
    looks.record(promise.certificate.has_value());
    result.rows_needed = promise.rows_needed;
    if (promise.certificate) {
      promise.certificate->look = looks.number();
      promise.certificate->looks_kept = looks.kept();
      promise.certificate->data = looks.data_digest();
      promise.certificate->training_rows_known = !known.empty();
      const bool has_jpegs = measured.has_jpegs || (unlabelled && unlabelled->has_jpegs);
      if (!model.is_text())
        promise.certificate->jpeg_decoder = has_jpegs ? jpeg_decoder() : JpegDecoder::none;
      thresholds = std::move(promise.thresholds);
    }
    result.certificate = std::move(promise.certificate);
  } else if (options.budget) {
    const auto within = [&] {
      return thresholds_within(*options.budget, scores, rows.fitting, options.seed);
    };
    calibrations = fitter.fit(rows.fitting, within());
    scores = fitter.scores(calibrations);
    thresholds = within();
  }
  result.exits = tell_trust(data_of(model), measured, scores, calibrations, thresholds,
                            rows.testing, options.seed);
  if (options.epsilon && !result.certificate) return result;
  result.point = operate(scores, thresholds, rows.testing);
  result.mainnet_accuracy =
      operate(scores, std::vector<double>(thresholds.size(), kShut), rows.testing).accuracy;
  result.mainnet_ms = std::accumulate(scores.segment_ms.begin(), scores.segment_ms.end(), 0.0);
  // What was certified stays as it is; otherwise all rows may fit, now that trust has been told on
  // rows left out.
  if (!options.epsilon && !options.budget) calibrations = fitter.fit(rows.used, thresholds);
  for (std::size_t exit = 0; exit < calibrations.size(); ++exit) {
    result.exits[exit].fitted_rows = calibrations[exit].rows;
    result.exits[exit].temperature = calibrations[exit].temperature;
    result.exits[exit].fit = calibrations[exit].fit;
  }
  for (std::string& note : notes_of_idle_exits(measured.names, result.point, rows.testing.size()))
    result.notes.push_back(std::move(note));
  ModelData data = with_calibrations(data_of(model), calibrations, thresholds);
  if (result.certificate) {
    data.certificate = result.certificate;
    data.certificate->digest = answers_digest(data);
    result.certificate = data.certificate;
  }
  result.model = make_model(std::move(data));
  return result;
}

}  // namespace sidenet
