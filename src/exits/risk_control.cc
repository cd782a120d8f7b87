#include "risk_control.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "p_values.h"
#include "random.h"
#include "sidenet/error.h"
#include "threshold_search.h"

namespace sidenet {
namespace {

using Thresholds = std::vector<double>;

/// Share of delta that bounds the rate of differing rows in paired_p_value.
constexpr double kNuisanceShare = 0.1;
constexpr double kSearchShare = 0.4;  // of the rows, for exit_error
constexpr std::int64_t kMostRows = std::int64_t{1} << 30;

/// What the risks are made of.
struct Counts {
  std::int64_t rows = 0;
  std::int64_t worse = 0, better = 0;  ///< rows where MainNet alone is right, where the exit that answers alone is
  std::int64_t differ = 0;             ///< rows answered with another class than MainNet's
  struct Exit {
    bool open = false;
    std::int64_t answered = 0, wrong = 0;
  };
  std::vector<Exit> exits;  ///< without `final`
};

Counts count(const ExitScores& scores, const Thresholds& thresholds, std::span<const std::uint32_t> rows) {
  const std::vector<std::uint8_t> answers = answering_exits(scores, thresholds, rows);
  Counts counts;
  counts.rows = static_cast<std::int64_t>(rows.size());
  for (const double threshold : thresholds) counts.exits.push_back({threshold <= 1, 0, 0});
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::size_t row = rows[i], exit = answers[i];
    if (exit == thresholds.size()) continue;
    const int answer = scores.prediction[exit][row], mainnet = scores.prediction.back()[row], label = scores.labels[row];
    counts.differ += answer != mainnet ? 1 : 0;
    counts.worse += answer != label && mainnet == label ? 1 : 0;
    counts.better += answer == label && mainnet != label ? 1 : 0;
    ++counts.exits[exit].answered;
    counts.exits[exit].wrong += answer != label ? 1 : 0;
  }
  return counts;
}

/// The same rates in `rows` rows.
Counts scaled(const Counts& counts, std::int64_t rows) {
  const double ratio = static_cast<double>(rows) / static_cast<double>(counts.rows);
  const auto scale = [&](std::int64_t value) {
    return static_cast<std::int64_t>(std::llround(static_cast<double>(value) * ratio));
  };
  Counts result{rows, scale(counts.worse), scale(counts.better), scale(counts.differ), {}};
  for (const Counts::Exit& exit : counts.exits)
    result.exits.push_back({exit.open, scale(exit.answered), scale(exit.wrong)});
  return result;
}

/// Whether the drop is tested by its worse rows alone: the drop is at most their rate. The rule must not look at the
/// counts.
bool one_sided(std::int64_t rows, const CertifyOptions& options) {
  constexpr double few = 5;
  return options.epsilon > 0 && static_cast<double>(rows) * options.epsilon < few;
}

double p_value(const Counts& counts, const CertifyOptions& options) {
  switch (options.risk) {
    case Risk::drop:
      if (one_sided(counts.rows, options)) return binomial_cdf(counts.worse, counts.rows, options.epsilon);
      return paired_p_value(counts.worse, counts.better, counts.rows, options.epsilon, kNuisanceShare * options.delta);
    case Risk::disagreement: return binomial_cdf(counts.differ, counts.rows, options.epsilon);
    case Risk::exit_error: break;
  }
  double largest = 0;
  for (const Counts::Exit& exit : counts.exits) {
    if (exit.open) largest = std::max(largest, binomial_cdf(exit.wrong, exit.answered, options.epsilon));
  }
  return largest;
}

double upper_bound(const Counts& counts, const CertifyOptions& options) {
  switch (options.risk) {
    case Risk::drop:
      if (one_sided(counts.rows, options)) return binomial_upper(counts.worse, counts.rows, options.delta);
      return paired_upper(counts.worse, counts.better, counts.rows, options.delta, kNuisanceShare * options.delta);
    case Risk::disagreement: return binomial_upper(counts.differ, counts.rows, options.delta);
    case Risk::exit_error: break;
  }
  double largest = 0;
  for (const Counts::Exit& exit : counts.exits) {
    if (exit.open) largest = std::max(largest, binomial_upper(exit.wrong, exit.answered, options.delta));
  }
  return largest;
}

/// The fewest testing rows with which these rates pass, within 1 %.
std::optional<std::int64_t> rows_to_pass(const Counts& counts, const CertifyOptions& options) {
  const auto passes = [&](std::int64_t rows) { return p_value(scaled(counts, rows), options) <= options.delta; };
  std::int64_t enough = std::max<std::int64_t>(counts.rows, 1);
  while (!passes(enough)) {
    if (enough >= kMostRows || (enough *= 2) > 1000 * counts.rows) return std::nullopt;
  }
  std::int64_t few = enough / 2;
  while (enough - few > 1 + enough / 100) {
    const std::int64_t middle = few + (enough - few) / 2;
    (passes(middle) ? enough : few) = middle;
  }
  return enough;
}

const char* method_of(std::int64_t rows, const CertifyOptions& options) {
  switch (options.risk) {
    case Risk::drop:
      return one_sided(rows, options) ? "learn-then-test, fixed sequence, exact binomial test of the rows that get worse"
                                      : "learn-then-test, fixed sequence, exact paired test";
    case Risk::disagreement: return "learn-then-test, fixed sequence, exact binomial test";
    case Risk::exit_error: break;
  }
  return "learn-then-test, fixed sequence on a path from other rows, exact binomial test of every exit";
}

/// Rows without any loss that pass a binomial test: (1 - epsilon)^n <= delta.
std::int64_t fewest_rows(const CertifyOptions& options) {
  if (!(options.epsilon > 0)) return 1;
  return static_cast<std::int64_t>(std::ceil(std::log(options.delta) / std::log1p(-options.epsilon) - 1e-9));
}

void check(const CertifyOptions& options) {
  if (!(options.epsilon >= 0 && options.epsilon < 1)) {
    throw Error("certify: epsilon: expected 0 or more and below 1, got " + std::to_string(options.epsilon));
  }
  if (!(options.delta > 0 && options.delta <= 0.5)) {
    throw Error("certify: delta: expected above 0 and at most 0.5, got " + std::to_string(options.delta));
  }
}

void expect_rows(std::size_t got, std::int64_t needed, const CertifyOptions& options) {
  if (static_cast<std::int64_t>(got) >= needed) return;
  throw Error("certify: epsilon " + std::to_string(options.epsilon) + " at delta " + std::to_string(options.delta) +
              ": expected at least " + std::to_string(needed) + " rows, got " + std::to_string(got));
}

struct Parts {
  std::vector<std::uint32_t> search, test;
};

/// A seeded shuffle's first share, and the rest.
Parts split(std::span<const std::uint32_t> rows, std::uint64_t seed) {
  std::vector<std::uint32_t> shuffled(rows.begin(), rows.end());
  Random random(seed);
  for (std::size_t i = shuffled.size(); i > 1; --i) std::swap(shuffled[i - 1], shuffled[random.below(i)]);
  const auto first = shuffled.begin() + static_cast<std::ptrdiff_t>(kSearchShare * static_cast<double>(shuffled.size()));
  return {{shuffled.begin(), first}, {first, shuffled.end()}};
}

/// Exits alone at each threshold, for rows_needed where no path of exit_error could be built.
std::vector<Thresholds> single_exits(std::size_t exits) {
  std::vector<Thresholds> candidates;
  for (std::size_t k = 0; k < exits; ++k) {
    for (const double threshold : threshold_grid()) candidates.emplace_back(exits, kShut)[k] = threshold;
  }
  return candidates;
}

std::optional<std::int64_t> fewest_to_pass(const ExitScores& scores, std::span<const Thresholds> candidates,
                                           std::span<const std::uint32_t> rows, const CertifyOptions& options) {
  constexpr std::int64_t fewest_answered = 20;  // rates of fewer rows say nothing
  std::optional<std::int64_t> least;
  for (const Thresholds& thresholds : candidates) {
    const Counts counts = count(scores, thresholds, rows);
    std::int64_t answered = 0;
    for (const Counts::Exit& exit : counts.exits) answered += exit.answered;
    if (answered < fewest_answered || operate(scores, thresholds, rows).compute >= 1) continue;
    const auto needed = rows_to_pass(counts, options);
    if (needed && (!least || *needed < *least)) least = needed;
  }
  return least;
}

}  // namespace

std::vector<Thresholds> exit_error_path(const ExitScores& scores, std::span<const std::uint32_t> rows, std::size_t testing,
                                        double epsilon) {
  const std::size_t exits = scores.exits() - 1;
  const std::vector<double> grid = threshold_grid();
  const double ratio = static_cast<double>(testing) / static_cast<double>(std::max<std::size_t>(rows.size(), 1));
  std::vector<Thresholds> path;
  for (double level = 1e-9; level < 0.5; level *= 1.4) {
    Thresholds thresholds(exits, kShut);
    std::vector<std::uint32_t> staying(rows.begin(), rows.end());
    for (std::size_t k = 0; k < exits; ++k) {
      std::vector<std::int64_t> answered(grid.size(), 0), wrong(grid.size(), 0);  // by the highest threshold reached
      for (const std::uint32_t row : staying) {
        const auto at =
            std::lower_bound(grid.begin(), grid.end(), static_cast<double>(scores.confidence[k][row]), std::greater<>());
        if (at == grid.end()) continue;
        const auto i = static_cast<std::size_t>(at - grid.begin());
        ++answered[i];
        wrong[i] += scores.prediction[k][row] != scores.labels[row] ? 1 : 0;
      }
      std::int64_t all = 0, bad = 0;
      for (std::size_t i = 0; i < grid.size(); ++i) {
        all += answered[i];
        bad += wrong[i];
        const auto expected = [&](std::int64_t value) { return ratio * static_cast<double>(value); };
        const auto n = static_cast<std::int64_t>(std::floor(expected(all)));
        const auto errors = static_cast<std::int64_t>(std::ceil(expected(bad)));
        if (static_cast<double>(errors) >= static_cast<double>(n) * epsilon + 1) continue;  // above the median
        if (binomial_cdf(errors, n, epsilon) <= level) thresholds[k] = grid[i];
      }
      std::erase_if(staying,
                    [&](std::uint32_t row) { return static_cast<double>(scores.confidence[k][row]) >= thresholds[k]; });
    }
    const bool opens = std::any_of(thresholds.begin(), thresholds.end(), [](double t) { return t <= 1; });
    if (opens && (path.empty() || path.back() != thresholds)) path.push_back(std::move(thresholds));
  }
  return path;
}

CertifyResult certify_path(const ExitScores& scores, std::span<const Thresholds> path, std::span<const std::uint32_t> rows,
                           const CertifyOptions& options) {
  check(options);
  expect_rows(rows.size(), fewest_rows(options), options);
  CertifyResult result;
  result.rows = static_cast<std::int64_t>(rows.size());
  result.method = method_of(result.rows, options);
  result.thresholds.assign(scores.exits() - 1, kShut);
  result.point = operate(scores, result.thresholds, rows);
  result.bound = std::numeric_limits<double>::quiet_NaN();
  for (std::size_t i = 0; i < path.size(); ++i) {
    const double p = p_value(count(scores, path[i], rows), options);
    if (i == 0) result.p_value = p;
    if (!(p <= options.delta)) break;
    OperatingPoint point = operate(scores, path[i], rows);
    if (!(point.compute < result.point.compute)) continue;
    result.certified = true;
    result.thresholds = path[i];
    result.point = std::move(point);
    result.p_value = p;
  }
  if (result.certified) {
    result.bound = upper_bound(count(scores, result.thresholds, rows), options);
  } else {
    result.rows_needed = fewest_to_pass(scores, path, rows, options);
  }
  return result;
}

CertifyResult certify(const ExitScores& scores, std::span<const std::uint32_t> rows, const CertifyOptions& options) {
  check(options);
  const std::size_t exits = scores.exits() - 1;
  if (options.risk != Risk::exit_error) {
    expect_rows(rows.size(), fewest_rows(options), options);
    std::vector<Thresholds> path;
    for (const double threshold : threshold_grid()) path.emplace_back(exits, threshold);
    return certify_path(scores, path, rows, options);
  }
  const auto needed = static_cast<std::int64_t>(std::ceil(static_cast<double>(fewest_rows(options)) / (1 - kSearchShare)));
  expect_rows(rows.size(), needed, options);
  const Parts parts = split(rows, options.seed);
  const std::vector<Thresholds> path = exit_error_path(scores, parts.search, parts.test.size(), options.epsilon);
  CertifyResult result = certify_path(scores, path, parts.test, options);
  if (!result.certified) {
    result.rows_needed = fewest_to_pass(scores, single_exits(exits), rows, options);
    if (result.rows_needed)
      *result.rows_needed = static_cast<std::int64_t>(static_cast<double>(*result.rows_needed) / (1 - kSearchShare));
  }
  return result;
}

CertifyResult certify(const ExitScores& scores, const CertifyOptions& options) {
  check_scores(scores);
  return certify(scores, all_rows(scores), options);
}

}  // namespace sidenet
