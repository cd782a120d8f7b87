#include "rows_needed.h"

#include <algorithm>
#include <cmath>

#include "risk_counts.h"
#include "risk_tests.h"
#include "threshold_search.h"

namespace sidenet {
namespace {

using Thresholds = std::vector<double>;

constexpr std::int64_t kMostRows = std::int64_t{1} << 26;
constexpr std::int64_t kFewestAnswered = 20;  // rates of fewer rows say nothing
constexpr double kDraw =
    1.3;  // standard errors that a draw of the new rows is expected to be worse
constexpr double kEstimate = 0.6;  // and the rates worse than they were seen

std::int64_t rounded(double value) { return std::llround(std::max(value, 0.0)); }

/// `count` of `of` rows with `rate` seen on `seen` rows: somewhat more than expected.
std::int64_t pessimistic(double rate, double seen, double of) {
  const double spread = std::sqrt(rate * std::max(1 - rate, 0.0));
  const double count =
      of * rate + kDraw * spread * std::sqrt(of) + kEstimate * spread * of / std::sqrt(seen);
  return std::min(rounded(count), rounded(of));
}

/// What `rows` rows like those seen may show.
RiskCounts expected(const RiskCounts& seen, std::int64_t rows, const CertifyOptions& options) {
  const auto n = static_cast<double>(seen.rows), to = static_cast<double>(rows);
  RiskCounts counts{.rows = rows};
  counts.differ = pessimistic((static_cast<double>(seen.differ) + 0.5) / n, n, to);
  const double changed = (static_cast<double>(seen.worse + seen.better) + 0.5) / n;
  const double drop = (static_cast<double>(seen.worse - seen.better) + 0.5) / n;
  const double sum =
      to * drop + kDraw * std::sqrt(to * changed) + kEstimate * to * std::sqrt(changed / n);
  counts.worse = std::min(rows, rounded((to * changed + sum) / 2));
  counts.better = std::min(rows - counts.worse, rounded((to * changed - sum) / 2));
  if (options.risk != Risk::exit_error) return counts;
  for (const RiskCounts::Exit& exit : seen.exits) {
    const double answered = static_cast<double>(exit.answered), of = answered / n * to;
    RiskCounts::Exit more{exit.open, rounded(of), 0};
    if (exit.answered > 0)
      more.wrong = pessimistic((static_cast<double>(exit.wrong) + 0.5) / answered, answered, of);
    more.wrong = std::min(more.wrong, more.answered);
    counts.exits.push_back(more);
  }
  return counts;
}

struct Candidate {
  std::vector<RiskCounts> parts;
  RiskCounts unlabelled;
  std::int64_t rows;  ///< of all parts
};

bool passes(const Candidate& candidate, std::int64_t rows, const CertifyOptions& options) {
  return std::all_of(candidate.parts.begin(), candidate.parts.end(), [&](const RiskCounts& part) {
    const double share = static_cast<double>(part.rows) / static_cast<double>(candidate.rows);
    const std::int64_t of_part =
        std::max<std::int64_t>(1, rounded(share * static_cast<double>(rows)));
    return risk_p_value(expected(part, of_part, options), candidate.unlabelled, options) <=
           options.delta;
  });
}

/// Within 2 %.
std::optional<std::int64_t> fewest(const Candidate& candidate, const CertifyOptions& options) {
  std::int64_t enough = std::max<std::int64_t>(fewest_testing_rows(options), 1), few = 0;
  while (!passes(candidate, enough, options)) {
    few = enough;
    if ((enough *= 2) > kMostRows || enough > 2000 * candidate.rows) return std::nullopt;
  }
  while (enough - few > 1 + enough / 50) {
    const std::int64_t middle = few + (enough - few) / 2;
    (passes(candidate, middle, options) ? enough : few) = middle;
  }
  return enough;
}

/// Each exit alone at each threshold: where no path of exit_error could be built.
std::vector<Thresholds> single_exits(std::size_t exits) {
  std::vector<Thresholds> candidates;
  for (std::size_t k = 0; k < exits; ++k) {
    for (const double threshold : threshold_grid())
      candidates.emplace_back(exits, kShut)[k] = threshold;
  }
  return candidates;
}

}  // namespace

std::optional<std::int64_t> testing_rows_needed(const TestingRows& seen,
                                                std::span<const Thresholds> path,
                                                const CertifyOptions& options) {
  const bool in_order =
      options.risk != Risk::exit_error;  // what stands before a candidate must pass, too
  std::vector<Thresholds> candidates(path.begin(), path.end());
  if (!in_order) {
    for (Thresholds& alone : single_exits(seen.scores.exits() - 1))
      candidates.push_back(std::move(alone));
  }
  std::optional<std::int64_t> least;
  std::int64_t before = 0;
  for (const Thresholds& thresholds : candidates) {
    Candidate candidate{{}, {}, static_cast<std::int64_t>(seen.rows.size())};
    const RiskCounts all = count_risks(seen.scores, thresholds, seen.rows);
    if (all.answered_early() < kFewestAnswered ||
        operate(seen.scores, thresholds, seen.rows).compute >= 1)
      continue;
    candidate.parts = seen.by_class.empty() ? std::vector<RiskCounts>{all}
                                            : count_risks(seen.scores, thresholds, seen.by_class);
    std::erase_if(candidate.parts, [](const RiskCounts& part) { return part.rows == 0; });
    if (seen.unlabelled)
      candidate.unlabelled = count_risks(*seen.unlabelled, thresholds, all_rows(*seen.unlabelled));
    std::optional<std::int64_t> needed = fewest(candidate, options);
    if (!needed && in_order) break;
    if (!needed) continue;
    if (in_order) needed = before = std::max(before, *needed);
    if (!least || *needed < *least) least = needed;
  }
  return least;
}

}  // namespace sidenet
