#include "risk_control.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "risk_counts.h"
#include "risk_tests.h"
#include "sidenet/error.h"
#include "threshold_search.h"

namespace sidenet {
namespace {

using Thresholds = std::vector<double>;

void check(const CertifyOptions& options) {
  if (!(options.epsilon >= 0 && options.epsilon < 1)) {
    throw Error("certify: epsilon: expected 0 or more and below 1, got " +
                std::to_string(options.epsilon));
  }
  if (!(options.delta > 0 && options.delta <= 0.5)) {
    throw Error("certify: delta: expected above 0 and at most 0.5, got " +
                std::to_string(options.delta));
  }
}

void expect_rows(const TestingRows& testing, const CertifyOptions& options) {
  const auto expect = [&](std::size_t got, const std::string& of) {
    const std::int64_t needed = fewest_testing_rows(options);
    if (static_cast<std::int64_t>(got) >= needed) return;
    throw Error("certify: epsilon " + std::to_string(options.epsilon) + " at delta " +
                std::to_string(options.delta) + ": expected at least " + std::to_string(needed) +
                " rows" + of + ", got " + std::to_string(got));
  };
  const bool pooled = testing.unlabelled && options.risk == Risk::disagreement;
  if (options.risk == Risk::drop) {  // exits may be better than MainNet
    if (testing.rows.empty()) throw Error("certify: expected rows, got none");
    return;
  }
  if (testing.by_class.empty())
    expect(testing.rows.size() + (pooled ? testing.unlabelled->rows() : 0), "");
  for (std::size_t k = 0; k < testing.by_class.size(); ++k)
    expect(testing.by_class[k].size(), " of class " + std::to_string(k));
}

const char* method_of(const CertifyOptions& options, bool unlabelled) {
  switch (options.risk) {
    case Risk::drop:
      return unlabelled
                 ? "learn-then-test, split fixed sequence, exact likelihood-ratio test of the drop "
                   "among changed "
                   "answers, whose rate is tested on rows without labels too"
                 : "learn-then-test, split fixed sequence, exact likelihood-ratio test of the drop";
    case Risk::disagreement: return "learn-then-test, split fixed sequence, exact binomial test";
    case Risk::exit_error: break;
  }
  return "learn-then-test, fixed sequence on a path from other rows, exact binomial test of every "
         "exit";
}

/// One candidate's counts: of all rows, or of each class.
struct Counted {
  std::vector<RiskCounts> parts;
  RiskCounts unlabelled;
};

Counted count(const TestingRows& testing, const Thresholds& thresholds,
              std::span<const std::uint32_t> unlabelled) {
  Counted counted;
  if (testing.by_class.empty()) {
    counted.parts.push_back(count_risks(testing.scores, thresholds, testing.rows));
  } else {
    counted.parts = count_risks(testing.scores, thresholds, testing.by_class);
  }
  if (testing.unlabelled)
    counted.unlabelled = count_risks(*testing.unlabelled, thresholds, unlabelled);
  return counted;
}

double p_value(const Counted& counted, const CertifyOptions& options) {
  double largest = 0;
  for (const RiskCounts& part : counted.parts)
    largest = std::max(largest, risk_p_value(part, counted.unlabelled, options));
  return largest;
}

}  // namespace

std::int64_t fewest_testing_rows(const CertifyOptions& options) {
  if (!(options.epsilon > 0)) return 1;
  return static_cast<std::int64_t>(
      std::ceil(std::log(options.delta) / std::log1p(-options.epsilon) - 1e-9));
}

CommonThresholds common_threshold_path(const ExitScores& scores,
                                       std::span<const std::uint32_t> fitting, std::size_t testing,
                                       const CertifyOptions& options) {
  check(options);
  const std::vector<double> grid = threshold_grid();
  const auto rows = static_cast<std::int64_t>(testing);
  std::size_t first = 0;
  CommonThresholds result;
  if (options.risk == Risk::drop &&
      (!(options.epsilon > 0) || rows < fewest_testing_rows(options))) {
    const double ratio = static_cast<double>(testing) /
                         static_cast<double>(std::max<std::size_t>(fitting.size(), 1));
    // Half a worse row more than was seen, as few rows see none of what is rare.
    const auto expected = [&](double threshold) {
      const RiskCounts seen =
          count_risks(scores, Thresholds(scores.exits() - 1, threshold), fitting);
      const auto scaled = [&](double count) {
        return std::min(rows, static_cast<std::int64_t>(std::llround(count * ratio)));
      };
      RiskCounts counts{.rows = rows};
      counts.worse =
          scaled(static_cast<double>(seen.worse) + (seen.answered_early() > 0 ? 0.5 : 0));
      counts.better = std::min(rows - counts.worse, scaled(static_cast<double>(seen.better)));
      return risk_p_value(counts, {}, options);
    };
    result.expected_p = std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < grid.size(); ++i) {
      const double p = expected(grid[i]);
      if (p >= result.expected_p) continue;
      result.expected_p = p;
      first = i;
    }
  }
  for (std::size_t i = first; i < grid.size(); ++i)
    result.path.emplace_back(scores.exits() - 1, grid[i]);
  return result;
}

CertifyResult certify_path(const TestingRows& testing, std::span<const Thresholds> path,
                           const CertifyOptions& options) {
  check(options);
  expect_rows(testing, options);
  const ExitScores& scores = testing.scores;
  const std::vector<std::uint32_t> unlabelled =
      testing.unlabelled ? all_rows(*testing.unlabelled) : std::vector<std::uint32_t>();
  CertifyResult result;
  result.rows = static_cast<std::int64_t>(testing.rows.size());
  result.unlabelled = static_cast<std::int64_t>(unlabelled.size());
  result.method = method_of(options, testing.unlabelled != nullptr);
  result.thresholds.assign(scores.exits() - 1, kShut);
  result.point = operate(scores, result.thresholds, testing.rows);
  result.bound = std::numeric_limits<double>::quiet_NaN();
  for (std::size_t i = 0; i < path.size(); ++i) {
    const double p = p_value(count(testing, path[i], unlabelled), options);
    if (i == 0) result.p_value = p;
    if (!(p <= options.delta)) break;
    OperatingPoint point = operate(scores, path[i], testing.rows);
    if (!(point.compute < result.point.compute)) continue;
    result.certified = true;
    result.thresholds = path[i];
    result.point = std::move(point);
    result.p_value = p;
  }
  if (!result.certified) return result;
  const Counted counted = count(testing, result.thresholds, unlabelled);
  for (const RiskCounts& part : counted.parts)
    result.class_bounds.push_back(risk_upper_bound(part, counted.unlabelled, options));
  result.bound = *std::max_element(result.class_bounds.begin(), result.class_bounds.end());
  if (testing.by_class.empty()) result.class_bounds.clear();
  return result;
}

}  // namespace sidenet
