#include "time_budget.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "operating_point.h"
#include "sidenet/error.h"
#include "sidenet/session.h"
#include "threads.h"
#include "threshold_search.h"

namespace sidenet {
namespace {

using Rows = std::vector<std::uint32_t>;

constexpr std::size_t kRowsToTime = 2000;

// The time that 95 % of the rows stay below.
double p95_of(std::vector<double> times) {
  const auto at = times.begin() +
                  static_cast<std::ptrdiff_t>(0.95 * static_cast<double>(times.size() - 1) + 0.5);
  std::nth_element(times.begin(), at, times.end());
  return *at;
}

double predicted_p95(const ExitScores& scores, const std::vector<double>& thresholds,
                     const Rows& rows) {
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
    times.push_back(spent[exits[i]] *
                    (scores.weight.empty() ? 1.0 : static_cast<double>(scores.weight[rows[i]])));
  return p95_of(std::move(times));
}

double predicted(const Budget& budget, const ExitScores& scores,
                 const std::vector<double>& thresholds, const Rows& rows) {
  return budget.p95 ? predicted_p95(scores, thresholds, rows)
                    : operate(scores, thresholds, rows).ms;
}

}  // namespace

std::vector<double> thresholds_within(const Budget& budget, const ExitScores& scores,
                                      const Rows& rows, std::uint64_t seed) {
  std::vector<OperatingPoint> points = uniform_curve(scores, rows);
  for (OperatingPoint& point :
       joint_curve(scores, rows, {.cost = SearchOptions::Cost::ms, .seed = seed}))
    points.push_back(std::move(point));
  const OperatingPoint* best = nullptr;
  double least = INFINITY;
  for (const OperatingPoint& point : points) {
    const double ms = budget.p95 ? predicted_p95(scores, point.thresholds, rows) : point.ms;
    least = std::min(least, ms);
    if (ms <= budget.ms && (!best || point.accuracy > best->accuracy)) best = &point;
  }
  if (best) return best->thresholds;
  throw Error("calibrate: budget: expected at least " + std::to_string(least) +
              " ms, what the fastest thresholds take here, got " + std::to_string(budget.ms));
}

void tell_budget(CalibrateResult& result, const Dataset& data, const ExitScores& scores,
                 const std::vector<double>& thresholds, const CalibrateOptions& options) {
  Rows timed_rows = all_rows(scores);
  timed_rows.resize(std::min<std::size_t>(timed_rows.size(), kRowsToTime));
  result.row_ms = predicted(*options.budget, scores, thresholds, timed_rows);
  const int threads = resolve_threads(options.execution.threads);
  Session session(result.model, {.execution = options.execution});
  std::vector<double> times;
  double total = 0;
  std::int64_t rows = 0;
  const auto timed = [&](const Batch& batch) {
    const auto start = std::chrono::steady_clock::now();
    session.run(batch);
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
        .count();
  };
  const auto end = static_cast<std::int64_t>(timed_rows.size());
  const std::int64_t batch_rows = options.execution.batch.value_or(1);
  for (std::int64_t first = 0; first < end; first += batch_rows) {
    const std::int64_t count = std::min(batch_rows, end - first);
    const Batch batch = batch_of(result.model, data, first, count, threads);
    if (first == 0) session.run_all_exits(batch);
    const double ms = timed(batch);
    total += ms;
    rows += count;
    times.push_back(ms / static_cast<double>(count));
  }
  result.measured_row_ms =
      options.budget->p95 ? p95_of(std::move(times)) : total / static_cast<double>(rows);
}

}  // namespace sidenet
