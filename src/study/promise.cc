#include "promise.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "exit_error_path.h"
#include "operating_point.h"
#include "p_values.h"
#include "risk_control.h"
#include "risk_counts.h"
#include "rows_needed.h"
#include "sidenet/error.h"
#include "threshold_search.h"

namespace sidenet {
namespace {

using Rows = std::vector<std::uint32_t>;

std::vector<Rows> by_class(const std::vector<int>& labels, const Rows& rows, std::size_t classes) {
  std::vector<Rows> result(classes);
  for (const std::uint32_t row : rows) result[static_cast<std::size_t>(labels[row])].push_back(row);
  return result;
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

std::string promised(const CalibrateOptions& options, double level) {
  return std::string(name_of(options.risk)) + " of " + number(*options.epsilon) + " at delta " +
         number(level);
}

TestingRows testing_rows(const ExitScores& scores, const Rows& rows, const ExitScores* unlabelled,
                         std::size_t classes, const CalibrateOptions& options) {
  TestingRows testing{scores, rows, unlabelled};
  if (options.by_class) testing.by_class = by_class(scores.labels, rows, classes);
  return testing;
}

std::vector<std::vector<double>> path_of(const ExitScores& scores, const Rows& fitting,
                                         std::size_t testing, const CertifyOptions& options) {
  return options.risk == Risk::exit_error
             ? exit_error_path(scores, fitting, testing, options.epsilon)
             : common_threshold_path(scores, fitting, testing, options).path;
}

}  // namespace

void expect_enough_rows(const ExitScores& scores, const CalibrationRows& rows,
                        std::size_t unlabelled, const std::vector<std::string>& labels,
                        const CalibrateOptions& options, double level) {
  const std::int64_t needed = fewest_testing_rows({options.risk, *options.epsilon, level});
  const auto in_all = static_cast<std::int64_t>(rows.used.size()),
             testing = static_cast<std::int64_t>(rows.testing.size());
  if (!options.by_class) {
    if (options.risk == Risk::drop && testing < needed) {
      // Rows without labels may leave nothing to test, and exits may be better than MainNet.
      const CertifyOptions promise{options.risk, *options.epsilon, level};
      if (unlabelled > 0) return;
      if (common_threshold_path(scores, rows.fitting, rows.testing.size(), promise).expected_p <=
          level)
        return;
    }
    const std::int64_t without =
        options.risk == Risk::disagreement ? static_cast<std::int64_t>(unlabelled) : 0;
    if (testing + without >= needed) return;
    const std::int64_t total = total_rows(needed - without, options);
    throw Error("calibrate: expected at least " + std::to_string(total) + " rows in all for a " +
                promised(options, level) + " (" +
                std::to_string(total - fitting_share(total, options)) +
                " test, the others fit), got " + std::to_string(in_all));
  }
  const std::vector<Rows> classes = by_class(scores.labels, rows.testing, labels.size());
  const auto least =
      std::min_element(classes.begin(), classes.end(),
                       [](const Rows& a, const Rows& b) { return a.size() < b.size(); });
  const auto got = static_cast<std::int64_t>(least->size());
  if (got >= needed) return;
  const std::string name = labels[static_cast<std::size_t>(least - classes.begin())];
  std::string message = "calibrate: by class: class '" + name + "': expected at least " +
                        std::to_string(needed) + " rows that test, for a " +
                        promised(options, level) + " of each class, got " + std::to_string(got);
  if (got > 0) {
    const std::int64_t total = total_rows(
        static_cast<std::int64_t>(std::ceil(
            static_cast<double>(testing) * static_cast<double>(needed) / static_cast<double>(got))),
        options);
    message += "; of such data about " + std::to_string(total) + " rows in all have as many";
  }
  throw Error(message);
}

Promise make_promise(const ExitScores& scores, const CalibrationRows& rows,
                     const ExitScores* unlabelled, const std::vector<std::string>& labels,
                     const CalibrateOptions& options, double level) {
  const CertifyOptions promise{options.risk, *options.epsilon, level};
  const TestingRows testing =
      testing_rows(scores, rows.testing, unlabelled, labels.size(), options);
  const auto path = path_of(scores, rows.fitting, rows.testing.size(), promise);
  const CertifyResult certified = certify_path(testing, path, promise);
  Promise result{{}, certified.thresholds, {}};
  if (!certified.certified) {
    const TestingRows all = testing_rows(scores, rows.used, unlabelled, labels.size(), options);
    const auto of_all = path_of(scores, rows.used, rows.testing.size(), promise);
    if (const auto needed = testing_rows_needed(all, of_all, promise)) {
      // A path of exit_error is built anew from fewer or more rows, and may be another.
      const double least = options.risk == Risk::exit_error ? 2 : 1.25;
      const auto more =
          static_cast<std::int64_t>(least * static_cast<double>(rows.used.size())) + 1;
      result.rows_needed = std::max(more, total_rows(*needed, options));
    }
    return result;
  }
  Certificate certificate;
  certificate.risk = options.risk;
  certificate.epsilon = *options.epsilon;
  certificate.delta = options.delta;
  certificate.method = certified.method;
  certificate.rows = certified.rows;
  certificate.unlabelled_rows = certified.unlabelled;
  certificate.fitted_rows = static_cast<std::int64_t>(rows.fitting.size());
  certificate.bound = certified.bound;
  RiskCounts counts = count_risks(scores, certified.thresholds, rows.testing);
  if (unlabelled) {
    const RiskCounts more = count_risks(*unlabelled, certified.thresholds, all_rows(*unlabelled));
    counts.rows += more.rows;
    counts.differ += more.differ;
  }
  certificate.disagreement_bound = binomial_upper(counts.differ, counts.rows, options.delta);
  certificate.accuracy = certified.point.accuracy;
  certificate.mainnet_accuracy =
      operate(scores, std::vector<double>(certified.thresholds.size(), kShut), rows.testing)
          .accuracy;
  certificate.compute = certified.point.compute;
  for (std::size_t exit = 0; exit < certified.thresholds.size(); ++exit)
    certificate.thresholds[scores.names[exit]] = certified.thresholds[exit];
  for (std::size_t k = 0; k < certified.class_bounds.size(); ++k) {
    certificate.classes.push_back({labels[k], static_cast<std::int64_t>(testing.by_class[k].size()),
                                   certified.class_bounds[k]});
  }
  certificate.winograd = options.execution.winograd;
  certificate.kernels = options.execution.kernels;
  certificate.distinct = options.distinct;
  certificate.seed = options.seed;
  certificate.look_delta = level;
  result.certificate = std::move(certificate);
  return result;
}

std::vector<double> likely_thresholds(const ExitScores& scores, const CalibrationRows& rows,
                                      const CalibrateOptions& options) {
  std::vector<double> best(scores.exits() - 1, kShut);
  const std::vector<OperatingPoint> curve = uniform_curve(scores, rows.fitting);
  double least = 1;
  for (const OperatingPoint& point : curve) {
    const double risk =
        options.risk == Risk::drop ? curve.front().accuracy - point.accuracy : 1 - point.agreement;
    if (risk > *options.epsilon || point.compute >= least) continue;
    least = point.compute;
    best = point.thresholds;
  }
  return best;
}

}  // namespace sidenet
