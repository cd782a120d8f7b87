#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "checked.h"
#include "exit_calibrations.h"
#include "failure_metrics.h"
#include "label_map.h"
#include "load_rows.h"
#include "measure_exits.h"
#include "model_data.h"
#include "operating_point.h"
#include "p_values.h"
#include "random.h"
#include "risk_control.h"
#include "row_digests.h"
#include "sidenet/calibration.h"
#include "sidenet/error.h"
#include "sidenet/session.h"
#include "threads.h"
#include "threshold_search.h"

namespace sidenet {
namespace {

using Rows = std::vector<std::uint32_t>;

constexpr std::size_t kFewestRows = 40;
constexpr std::size_t kRowsToTime = 2000;

ConfidenceFit fit_named(const std::string& name) {
  for (const ConfidenceFit fit :
       {ConfidenceFit::automatic, ConfidenceFit::temperature, ConfidenceFit::sigmoid, ConfidenceFit::isotonic}) {
    if (name == confidence_fit_name(fit)) return fit;
  }
  throw Error("calibrate: fit: expected automatic, temperature, sigmoid or isotonic, got '" + name + "'");
}

void check_options(const Model& model, const CalibrateOptions& options) {
  if (model.exits().size() < 2)
    throw Error(model.data()->source + ": expected a model with SideNets, found none (`sidenet train` makes them)");
  check_batch(options.batch, "calibrate");
  if (options.epsilon && options.budget) throw Error("calibrate: expected a promise (epsilon) or a budget, got both");
  if (!options.budget) return;
  if (!(options.budget->ms > 0) || std::isinf(options.budget->ms))
    throw Error("calibrate: budget: expected more than 0 ms, got " + std::to_string(options.budget->ms));
  if (options.budget->p95 && options.batch != 1)
    throw Error("calibrate: budget of 95 % of the rows: expected batch 1, where a row has a time of its own, got " +
                std::to_string(options.batch));
}

// The time that 95 % of the rows stay below.
double p95_of(std::vector<double> times) {
  const auto at = times.begin() + static_cast<std::ptrdiff_t>(0.95 * static_cast<double>(times.size() - 1) + 0.5);
  std::nth_element(times.begin(), at, times.end());
  return *at;
}

double predicted_p95(const ExitScores& scores, const std::vector<double>& thresholds, const Rows& rows) {
  std::vector<double> spent(scores.exits());  // up to and with each exit
  double sum = 0;
  for (std::size_t exit = 0; exit < scores.exits(); ++exit) {
    sum += scores.segment_ms[exit];
    if (exit < thresholds.size() && thresholds[exit] <= 1) sum += scores.head_ms[exit];
    spent[exit] = sum;
  }
  const std::vector<std::uint8_t> exits = answering_exits(scores, thresholds, rows);
  std::vector<double> times;
  for (std::size_t i = 0; i < rows.size(); ++i)
    times.push_back(spent[exits[i]] * (scores.weight.empty() ? 1.0 : static_cast<double>(scores.weight[rows[i]])));
  return p95_of(std::move(times));
}

class Calibrating {
 public:
  Calibrating(const Model& model, const Dataset& data, const CalibrateOptions& options, const ProgressCallback& progress)
      : model_(model), data_(data), options_(options), result_{model, {}, {}, 0, 0, 0, 0, {}, {}, 0, 0, {}} {
    fit_.fit = fit_named(options.fit);
    fit_.seed = options.seed;
    measured_ = measure_exits(model, data, {options.threads, options.batch, options.winograd}, progress);
    result_.notes = measured_.notes;
    choose_rows();
    note_missing_classes();
  }

  CalibrateResult run() {
    const MeasuredExits fitting = take_rows(measured_, first_half_), testing = take_rows(measured_, second_half_);
    std::vector<double> thresholds = thresholds_of(*model_.data());
    std::vector<Calibration> calibrations = fit(fitting, thresholds);
    if (options_.epsilon) {
      // Temperatures belong to thresholds near those that will be certified.
      calibrations = fit(fitting, likely_thresholds(scores_of(fitting, calibrations)));
      tell_trust(calibrations, thresholds, testing);
      if (!certify_on(scores_of(fitting, calibrations), testing, calibrations, thresholds)) return std::move(result_);
    } else if (options_.budget) {
      calibrations = fit(fitting, within_budget(scores_of(fitting, calibrations)));
      thresholds = within_budget(scores_of(fitting, calibrations));
    }
    tell_trust(calibrations, thresholds, testing);
    const ExitScores scores = scores_of(testing, calibrations);
    result_.point = operate(scores, thresholds);
    result_.mainnet_accuracy = operate(scores, std::vector<double>(thresholds.size(), kShut)).accuracy;
    result_.mainnet_ms = std::accumulate(scores.segment_ms.begin(), scores.segment_ms.end(), 0.0);
    // What was certified stays as it is; otherwise all rows may fit, now that trust has been told on rows left out.
    if (!options_.epsilon && !options_.budget) calibrations = fit(take_rows(measured_, rows_), thresholds);
    for (std::size_t exit = 0; exit < calibrations.size(); ++exit) {
      result_.exits[exit].fitted_rows = calibrations[exit].rows;
      result_.exits[exit].temperature = calibrations[exit].temperature;
      result_.exits[exit].fit = confidence_fit_name(calibrations[exit].fit);
    }
    note_idle_exits();
    ModelData data = with_calibrations(*model_.data(), calibrations, thresholds);
    if (result_.certificate) {
      data.certificate = result_.certificate;
      data.certificate->digest = answers_digest(data);
      result_.certificate = data.certificate;
    }
    result_.model = make_model(std::move(data));
    if (options_.budget) tell_budget(thresholds);
    return std::move(result_);
  }

 private:
  // Without the rows of training; then two halves by the seed.
  void choose_rows() {
    std::vector<std::uint32_t> known;
    if (const auto tensor = model_.data()->weights.find(kTrainingRows);
        tensor != model_.data()->weights.end() && !options_.keep_training_rows) {
      known = digests_of_tensor(tensor->second);
    }
    for (std::uint32_t row = 0; row < measured_.labels.size(); ++row) {
      if (!std::binary_search(known.begin(), known.end(), measured_.digests[row])) rows_.push_back(row);
    }
    result_.rows = static_cast<std::int64_t>(rows_.size());
    result_.left_out = static_cast<std::int64_t>(measured_.labels.size()) - result_.rows;
    if (2 * result_.left_out > static_cast<std::int64_t>(measured_.labels.size())) {
      throw Error("calibrate: expected rows that training has not seen, got " + std::to_string(result_.left_out) + " of " +
                  std::to_string(measured_.labels.size()) + " that SideNets were trained on");
    }
    if (rows_.size() < kFewestRows) {
      throw Error("calibrate: expected at least " + std::to_string(kFewestRows) + " rows" +
                  (result_.left_out > 0 ? " that training has not seen" : "") + ", got " + std::to_string(rows_.size()));
    }
    // A row and its copies stay on one side.
    Rows order = rows_;
    const auto key = [&](std::uint32_t row) { return Random(options_.seed, measured_.digests[row]).next(); };
    std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return key(a) < key(b); });
    std::size_t middle = order.size() / 2;
    while (middle < order.size() && measured_.digests[order[middle]] == measured_.digests[order[middle - 1]]) ++middle;
    if (middle == order.size()) throw Error("calibrate: expected different rows, got copies of few");
    first_half_.assign(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(middle));
    second_half_.assign(order.begin() + static_cast<std::ptrdiff_t>(middle), order.end());
    std::sort(first_half_.begin(), first_half_.end());
    std::sort(second_half_.begin(), second_half_.end());
  }

  void note_missing_classes() {
    std::vector<char> seen(model_.labels().size());
    for (const std::uint32_t row : rows_) seen[static_cast<std::size_t>(measured_.labels[row])] = 1;
    std::string missing;
    int count = 0;
    for (std::size_t label = 0; label < seen.size(); ++label) {
      if (seen[label] != 0) continue;
      if (++count <= 5) missing += (missing.empty() ? "" : ", ") + model_.labels()[label];
    }
    if (count == 0) return;
    result_.notes.push_back("no row of " + std::string(count == 1 ? "class " : std::to_string(count) + " classes: ") +
                            missing + (count > 5 ? ", …" : "") + ": what is told here says nothing about rows of " +
                            (count == 1 ? "it" : "them"));
  }

  void note_idle_exits() {
    for (std::size_t exit = 0; exit + 1 < measured_.names.size(); ++exit) {
      if (result_.point.rows[exit] == 0 && result_.point.thresholds[exit] <= 1)
        result_.notes.push_back("exit " + measured_.names[exit] + " answers none of " +
                                std::to_string(second_half_.size()) +
                                " rows at its threshold: its SideNet costs time and saves none");
    }
  }

  std::vector<Calibration> fit(const MeasuredExits& measured, std::vector<double> thresholds) const {
    thresholds.push_back(kShut);
    return fit_calibrations(measured.logits, measured.labels, thresholds, fit_);
  }

  // The lowest common threshold that keeps epsilon on these rows.
  std::vector<double> likely_thresholds(const ExitScores& scores) const {
    std::vector<double> best(scores.exits() - 1, kShut);
    const std::vector<OperatingPoint> curve = uniform_curve(scores, all_rows(scores));
    double least = 1;
    for (const OperatingPoint& point : curve) {
      const double risk = options_.risk == Risk::drop ? curve.front().accuracy - point.accuracy : 1 - point.agreement;
      if (risk > *options_.epsilon || point.compute >= least) continue;
      least = point.compute;
      best = point.thresholds;
    }
    return best;
  }

  // fitting: the other half, which may say in what order thresholds are tested.
  bool certify_on(const ExitScores& fitting, const MeasuredExits& testing, const std::vector<Calibration>& calibrations,
                  std::vector<double>& thresholds) {
    const ExitScores scores = scores_of(testing, calibrations);
    const CertifyOptions promise{options_.risk, *options_.epsilon, options_.delta, options_.seed};
    const CertifyResult certified =
        options_.risk == Risk::exit_error
            ? certify_path(scores, exit_error_path(fitting, all_rows(fitting), scores.rows(), promise.epsilon),
                           all_rows(scores), promise)
            : certify(scores, promise);
    if (!certified.certified) {
      std::optional<std::int64_t> needed = certified.rows_needed;
      if (options_.risk == Risk::exit_error) {
        // A path does not tell how many rows it would take. Nothing that this finds may be certified: it is a second test.
        const CertifyResult other = certify(scores, promise);
        needed = other.certified ? 2 * certified.rows : other.rows_needed;
      }
      // That many test; as many again fit.
      if (needed) result_.rows_needed = 2 * *needed;
      return false;
    }
    thresholds = certified.thresholds;
    Certificate certificate;
    certificate.risk = risk_name(options_.risk);
    certificate.epsilon = *options_.epsilon;
    certificate.delta = options_.delta;
    certificate.method = certified.method;
    certificate.rows = certified.rows;
    certificate.bound = certified.bound;
    const double rows = static_cast<double>(scores.rows());
    const OperatingPoint point = operate(scores, thresholds);
    certificate.disagreement_bound = binomial_upper(std::llround((1 - point.agreement) * rows),
                                                    static_cast<std::int64_t>(scores.rows()), options_.delta);
    certificate.accuracy = point.accuracy;
    certificate.mainnet_accuracy = operate(scores, std::vector<double>(thresholds.size(), kShut)).accuracy;
    certificate.compute = point.compute;
    for (std::size_t exit = 0; exit < thresholds.size(); ++exit)
      certificate.thresholds[scores.names[exit]] = thresholds[exit];
    certificate.winograd = options_.winograd;
    result_.certificate = std::move(certificate);
    return true;
  }

  // Before and after, of the rows that reach each exit.
  void tell_trust(const std::vector<Calibration>& calibrations, const std::vector<double>& thresholds,
                  const MeasuredExits& testing) {
    const std::vector<Calibration> before = calibrations_of(*model_.data());
    const ExitScores scores = scores_of(testing, calibrations), old = scores_of(testing, before);
    const std::vector<std::uint8_t> answering = answering_exits(scores, thresholds, all_rows(scores));
    result_.exits.clear();
    for (std::size_t exit = 0; exit < scores.exits(); ++exit) {
      std::vector<float> confidence, confidence_before;
      std::vector<std::uint8_t> right;
      for (std::size_t row = 0; row < scores.rows(); ++row) {
        if (answering[row] < exit) continue;
        confidence.push_back(scores.confidence[exit][row]);
        confidence_before.push_back(old.confidence[exit][row]);
        right.push_back(scores.prediction[exit][row] == scores.labels[row] ? 1 : 0);
      }
      CalibratedExit told;
      told.name = scores.names[exit];
      told.fitted_rows = calibrations[exit].rows;
      told.tested_rows = static_cast<std::int64_t>(right.size());
      told.temperature_before = before[exit].temperature;
      told.temperature = calibrations[exit].temperature;
      told.fit = confidence_fit_name(calibrations[exit].fit);
      told.ece_before = top_label_scores(confidence_before, right).ece;
      told.ece = top_label_scores(confidence, right).ece;
      told.ece_floor = ece_floor(confidence, 50, options_.seed).mean;
      told.threshold = exit < thresholds.size() ? thresholds[exit] : 0;
      result_.exits.push_back(std::move(told));
    }
  }

  std::vector<double> within_budget(const ExitScores& scores) const {
    const Rows rows = all_rows(scores);
    std::vector<OperatingPoint> points = uniform_curve(scores, rows);
    for (OperatingPoint& point : joint_curve(scores, rows, {.cost = SearchOptions::Cost::ms, .seed = options_.seed}))
      points.push_back(std::move(point));
    const OperatingPoint* best = nullptr;
    double least = INFINITY;
    for (const OperatingPoint& point : points) {
      const double ms = options_.budget->p95 ? predicted_p95(scores, point.thresholds, rows) : point.ms;
      least = std::min(least, ms);
      if (ms <= options_.budget->ms && (!best || point.accuracy > best->accuracy)) best = &point;
    }
    if (best) return best->thresholds;
    throw Error("calibrate: budget: expected at least " + std::to_string(least) +
                " ms, what the fastest thresholds take here, got " + std::to_string(options_.budget->ms));
  }

  // The first rows of the data again, with exits, on the clock.
  void tell_budget(const std::vector<double>& thresholds) {
    const ExitScores scores = scores_of(measured_, calibrations_of(*result_.model.data()));
    Rows timed_rows = all_rows(scores);
    timed_rows.resize(std::min<std::size_t>(timed_rows.size(), kRowsToTime));
    result_.row_ms =
        options_.budget->p95 ? predicted_p95(scores, thresholds, timed_rows) : operate(scores, thresholds, timed_rows).ms;
    const int threads = resolve_threads(options_.threads);
    Session session(result_.model, {threads, 0, options_.winograd});
    std::vector<double> times;
    double total = 0;
    std::int64_t rows = 0;
    const auto timed = [&](const Batch& batch) {
      const auto start = std::chrono::steady_clock::now();
      result_.model.is_text() ? session.run(batch.tokens) : session.run(batch.inputs);
      return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    };
    const auto end = static_cast<std::int64_t>(timed_rows.size());
    for (std::int64_t first = 0; first < end; first += options_.batch) {
      const std::int64_t count = std::min(options_.batch, end - first);
      const Batch batch = load_rows(result_.model, data_, first, count, threads);
      if (first == 0) {
        result_.model.is_text() ? session.run_all_exits(batch.tokens) : session.run_all_exits(batch.inputs);
      }
      const double ms = timed(batch);
      total += ms;
      rows += count;
      times.push_back(ms / static_cast<double>(count));
    }
    result_.measured_row_ms = options_.budget->p95 ? p95_of(std::move(times)) : total / static_cast<double>(rows);
  }

  const Model& model_;
  const Dataset& data_;
  const CalibrateOptions& options_;
  CalibrationOptions fit_;
  MeasuredExits measured_;
  Rows rows_, first_half_, second_half_;
  CalibrateResult result_;
};

}  // namespace

const char* risk_name(Risk risk) {
  switch (risk) {
    case Risk::drop: return "drop";
    case Risk::disagreement: return "disagreement";
    case Risk::exit_error: return "exit-error";
  }
  return "";
}

CalibrateResult calibrate(const Model& model, const Dataset& data, const CalibrateOptions& options,
                          const ProgressCallback& progress) {
  check_options(model, options);
  return Calibrating(model, data, options, progress).run();
}

}  // namespace sidenet
