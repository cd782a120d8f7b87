#include "threshold_search.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <numeric>
#include <utility>

#include "random.h"
#include "sidenet/error.h"
#include "threshold_descent.h"

namespace sidenet {
namespace {

using Thresholds = std::vector<double>;

constexpr int kPrices = 40;
constexpr int kBags = 8;
constexpr int kSteps = 4;
constexpr std::size_t kMostRowsOfABag =
    8000;                            // the mean over bags sees them all, each bag stays in cache
constexpr double kLargestLogit = 8;  // stands for "shut" in means

/// Loss that one MainNet is worth: 0.002 … 2, geometric, cheapest quality last.
double price(int i) { return 0.002 * std::pow(1000.0, static_cast<double>(i) / (kPrices - 1)); }

double logit(double p) {
  const double most = 1 / (1 + std::exp(-kLargestLogit));
  p = std::clamp(p, 1 - most, most);
  return std::log(p / (1 - p));
}

ThresholdDescent::Costs costs_of(const ExitScores& scores, SearchOptions::Cost cost) {
  const bool ms = cost == SearchOptions::Cost::ms;
  if (ms && scores.segment_ms.empty())
    throw Error("thresholds: cost in ms: expected timed exits, got none");
  ThresholdDescent::Costs costs{ms ? scores.segment_ms : scores.segment_compute,
                                ms ? scores.head_ms : scores.head_compute};
  const double mainnet = std::accumulate(costs.segments.begin(), costs.segments.end(), 0.0);
  if (!(mainnet > 0))
    throw Error("thresholds: MainNet's cost: expected a positive number, got " +
                std::to_string(mainnet));
  for (double& value : costs.segments) value /= mainnet;
  for (double& value : costs.heads) value /= mainnet;
  return costs;
}

/// The thresholds for each price on one resample.
std::vector<Thresholds> descend_prices(ThresholdDescent descent, std::size_t exits) {
  std::vector<std::pair<Thresholds, ThresholdDescent::Means>> uniform;
  const std::vector<double> grid = threshold_grid();
  for (std::size_t i = 0; i < grid.size(); i += 4) {
    Thresholds thresholds(exits, grid[i]);
    const ThresholdDescent::Means means = descent.evaluate(thresholds);
    uniform.emplace_back(std::move(thresholds), means);
  }
  std::vector<Thresholds> found;
  for (int i = 0; i < kPrices; ++i) {
    const auto value = [&](const auto& point) {
      return point.second.loss + price(i) * point.second.cost;
    };
    Thresholds best =
        std::min_element(uniform.begin(), uniform.end(), [&](const auto& a, const auto& b) {
          return value(a) < value(b);
        })->first;
    const double least = descent.descend(best, price(i));
    if (!found.empty()) {
      Thresholds warm = found.back();
      if (descent.descend(warm, price(i)) < least) best = std::move(warm);
    }
    found.push_back(std::move(best));
  }
  return found;
}

/// Means over bags; an exit that half of the bags shut is shut. Between two prices' thresholds
/// stand steps on the way.
std::vector<Thresholds> bagged(const ExitScores& scores, std::span<const std::uint32_t> rows,
                               const SearchOptions& options) {
  const std::size_t exits = scores.exits() - 1;
  std::vector<Thresholds> sum(kPrices, Thresholds(exits, 0.0)), shut = sum;
  const ThresholdDescent::Costs costs = costs_of(scores, options.cost);
  const bool labels = options.quality == SearchOptions::Quality::accuracy;
  std::vector<std::vector<Thresholds>> bags(kBags);
  std::exception_ptr failure;
#pragma omp parallel for schedule(dynamic)
  for (int bag = 0; bag < kBags; ++bag) {
    try {
      Random random(options.seed, static_cast<std::uint64_t>(bag));
      std::vector<std::uint32_t> sample(std::min(rows.size(), kMostRowsOfABag));
      for (std::uint32_t& row : sample) row = rows[random.below(rows.size())];
      bags[static_cast<std::size_t>(bag)] =
          descend_prices(ThresholdDescent(scores, sample, costs, labels), exits);
    } catch (...) {  // an exception must not leave the parallel loop
#pragma omp critical
      failure = std::current_exception();
    }
  }
  if (failure) std::rethrow_exception(failure);
  for (const std::vector<Thresholds>& found :
       bags) {  // in their order: the same curve on any number of threads
    for (std::size_t i = 0; i < found.size(); ++i) {
      for (std::size_t k = 0; k < exits; ++k) {
        sum[i][k] += logit(found[i][k]);
        shut[i][k] += found[i][k] > 1 ? 1 : 0;
      }
    }
  }
  std::vector<Thresholds> path;
  for (std::size_t i = 0; i < sum.size(); ++i) {
    const std::size_t next = std::min(i + 1, sum.size() - 1);
    for (int step = 0; step < (next > i ? kSteps : 1); ++step) {
      const double way = static_cast<double>(step) / kSteps;
      Thresholds& thresholds = path.emplace_back(exits, kShut);
      for (std::size_t k = 0; k < exits; ++k) {
        const double mean = ((1 - way) * sum[i][k] + way * sum[next][k]) / kBags;
        if (2 * shut[i][k] < kBags) thresholds[k] = 1 / (1 + std::exp(-mean));
      }
    }
  }
  return path;
}

}  // namespace

std::vector<double> threshold_grid() {
  std::vector<double> grid{1};
  for (int i = 180; i >= -17; --i) {
    const double threshold = std::round(1e4 / (1 + std::exp(-i / 20.0))) / 1e4;
    if (threshold < grid.back()) grid.push_back(threshold);
  }
  return grid;
}

std::vector<OperatingPoint> uniform_curve(const ExitScores& scores,
                                          std::span<const std::uint32_t> rows) {
  const std::size_t exits = scores.exits() - 1;
  std::vector<OperatingPoint> curve{operate(scores, Thresholds(exits, kShut), rows)};
  for (const double threshold : threshold_grid())
    curve.push_back(operate(scores, Thresholds(exits, threshold), rows));
  return curve;
}

std::vector<OperatingPoint> joint_curve(const ExitScores& scores,
                                        std::span<const std::uint32_t> rows,
                                        const SearchOptions& options) {
  std::vector<OperatingPoint> points = uniform_curve(scores, rows);
  for (const Thresholds& thresholds : bagged(scores, rows, options))
    points.push_back(operate(scores, thresholds, rows));

  const bool by_accuracy = options.quality == SearchOptions::Quality::accuracy;
  const auto quality = [&](const OperatingPoint& point) {
    return by_accuracy ? point.accuracy : point.agreement;
  };
  const bool by_ms = options.cost == SearchOptions::Cost::ms;
  const auto cost = [&](const OperatingPoint& point) { return by_ms ? point.ms : point.compute; };
  std::stable_sort(points.begin(), points.end(),
                   [&](const OperatingPoint& a, const OperatingPoint& b) {
                     return cost(a) != cost(b) ? cost(a) < cost(b) : quality(a) > quality(b);
                   });
  std::vector<OperatingPoint> front;  // cheapest first while it grows
  for (OperatingPoint& point : points) {
    if (front.empty() || quality(point) > quality(front.back())) front.push_back(std::move(point));
  }
  std::reverse(front.begin(), front.end());
  return front;
}

}  // namespace sidenet
