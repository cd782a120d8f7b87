#include "exit_error_path.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "p_values.h"
#include "threshold_search.h"

namespace sidenet {

using Thresholds = std::vector<double>;

std::vector<Thresholds> exit_error_path(const ExitScores& scores,
                                        std::span<const std::uint32_t> rows, std::size_t testing,
                                        double epsilon) {
  const std::size_t exits = scores.exits() - 1;
  const std::vector<double> grid = threshold_grid();
  const double ratio =
      static_cast<double>(testing) / static_cast<double>(std::max<std::size_t>(rows.size(), 1));
  std::vector<Thresholds> path;
  for (double level = 1e-9; level < 0.5; level *= 1.4) {
    Thresholds thresholds(exits, kShut);
    std::vector<std::uint32_t> staying(rows.begin(), rows.end());
    for (std::size_t k = 0; k < exits; ++k) {
      std::vector<std::int64_t> answered(grid.size(), 0),
          wrong(grid.size(), 0);  // by the highest threshold reached
      for (const std::uint32_t row : staying) {
        const auto at =
            std::lower_bound(grid.begin(), grid.end(),
                             static_cast<double>(scores.confidence[k][row]), std::greater<>());
        if (at == grid.end()) continue;
        const auto i = static_cast<std::size_t>(at - grid.begin());
        ++answered[i];
        wrong[i] += scores.prediction[k][row] != scores.labels[row] ? 1 : 0;
      }
      std::int64_t all = 0, bad = 0;
      for (std::size_t i = 0; i < grid.size(); ++i) {
        all += answered[i];
        bad += wrong[i];
        const auto expected = [&](std::int64_t value) {
          return ratio * static_cast<double>(value);
        };
        const auto n = static_cast<std::int64_t>(std::floor(expected(all)));
        const auto errors = static_cast<std::int64_t>(std::ceil(expected(bad)));
        if (static_cast<double>(errors) >= static_cast<double>(n) * epsilon + 1)
          continue;  // above the median
        if (binomial_cdf(errors, n, epsilon) <= level) thresholds[k] = grid[i];
      }
      std::erase_if(staying, [&](std::uint32_t row) {
        return static_cast<double>(scores.confidence[k][row]) >= thresholds[k];
      });
    }
    const bool opens =
        std::any_of(thresholds.begin(), thresholds.end(), [](double t) { return t <= 1; });
    if (opens && (path.empty() || path.back() != thresholds)) path.push_back(std::move(thresholds));
  }
  return path;
}

}  // namespace sidenet
