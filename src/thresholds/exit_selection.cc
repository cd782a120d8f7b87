#include "exit_selection.h"

#include <algorithm>
#include <array>
#include <functional>
#include <numeric>

#include "operating_point.h"
#include "sidenet/error.h"

namespace sidenet {
namespace {

using Set = std::vector<std::size_t>;

Set with(const Set& set, std::size_t exit) {
  Set larger = set;
  larger.insert(std::upper_bound(larger.begin(), larger.end(), exit), exit);
  return larger;
}

bool has(const Set& set, std::size_t exit) {
  return std::binary_search(set.begin(), set.end(), exit);
}

/// The best set made from `set` and one exit that is not in it.
struct Found {
  Set set;
  double worth = -1;
};
void try_all_additions(const CommonThreshold& curves, const Set& set, double max_loss,
                       Found& found) {
  for (std::size_t exit = 0; exit < curves.exits(); ++exit) {
    if (has(set, exit)) continue;
    Set tried = with(set, exit);
    const double worth = curves.worth(tried, max_loss);
    if (worth > found.worth) found = {std::move(tried), worth};
  }
}

}  // namespace

CommonThreshold::CommonThreshold(const ExitScores& scores, std::span<const std::uint32_t> rows,
                                 SearchOptions::Cost cost)
    : grid_(threshold_grid()) {
  const bool ms = cost == SearchOptions::Cost::ms;
  if (ms && scores.segment_ms.empty())
    throw Error("exit selection: cost in ms: expected timed exits, got none");
  if (rows.empty()) throw Error("exit selection: expected rows, got none");
  segments_ = ms ? scores.segment_ms : scores.segment_compute;
  heads_ = ms ? scores.head_ms : scores.head_compute;
  heads_.pop_back();
  const double mainnet = std::accumulate(segments_.begin(), segments_.end(), 0.0);
  for (double& value : segments_) value /= mainnet;
  for (double& value : heads_) value /= mainnet;
  const std::size_t final = heads_.size();
  for (std::size_t exit = 0; exit < final; ++exit) {
    std::vector<std::uint16_t>& level = level_.emplace_back();
    std::vector<std::int8_t>& drop = drop_.emplace_back();
    std::vector<std::int8_t>& differs = differs_.emplace_back();
    for (const std::uint32_t row : rows) {
      const auto confidence = static_cast<double>(scores.confidence[exit][row]);
      const auto first = std::lower_bound(grid_.begin(), grid_.end(), confidence, std::greater<>());
      level.push_back(static_cast<std::uint16_t>(first - grid_.begin()));
      const int label = scores.labels[row], answer = scores.prediction[exit][row],
                mainnet = scores.prediction[final][row];
      drop.push_back(
          static_cast<std::int8_t>((mainnet == label ? 1 : 0) - (answer == label ? 1 : 0)));
      differs.push_back(answer == mainnet ? 0 : 1);
    }
  }
  double sum = 0;
  for (const std::uint32_t row : rows)
    sum += scores.weight.empty() ? 1 : static_cast<double>(scores.weight[row]);
  for (const std::uint32_t row : rows) {
    const double weight = scores.weight.empty() ? 1 : static_cast<double>(scores.weight[row]);
    weight_.push_back(static_cast<float>(weight * static_cast<double>(rows.size()) / sum));
  }
}

std::vector<CommonThreshold::Point> CommonThreshold::curve(std::span<const std::size_t> set) const {
  // From the surest threshold down a row is answered by `final`, then by ever earlier exits: each
  // answers it over a range of the grid, which two entries of the lists of differences say.
  const std::size_t levels = grid_.size(), rows = weight_.size();
  std::vector<double> saved(levels + 1), drop(levels + 1), differs(levels + 1);
  double spent = 0;  // by a row of weight 1 that reaches the exit
  std::size_t node = 0;
  std::vector<double> savings;
  for (const std::size_t exit : set) {
    while (node <= exit) spent += segments_[node++];
    spent += heads_[exit];
    savings.push_back(1 - spent);
  }
  double all_heads = 0;
  for (const std::size_t exit : set) all_heads += heads_[exit];
  for (std::size_t row = 0; row < rows; ++row) {
    std::size_t upper = levels;
    const auto weight = static_cast<double>(weight_[row]);
    for (std::size_t i = 0; i < set.size() && upper > 0; ++i) {
      const std::size_t level = level_[set[i]][row];
      if (level >= upper) continue;
      const double saving = weight * savings[i];
      drop[level] += drop_[set[i]][row];
      drop[upper] -= drop_[set[i]][row];
      differs[level] += differs_[set[i]][row];
      differs[upper] -= differs_[set[i]][row];
      saved[level] += saving;
      saved[upper] -= saving;
      upper = level;
    }
    saved[0] -= weight * all_heads;
    saved[upper] += weight * all_heads;
  }
  std::vector<Point> points{{kShut, 0, 0, 0}};
  double saved_sum = 0, drop_sum = 0, differs_sum = 0;
  for (std::size_t i = 0; i < levels; ++i) {
    saved_sum += saved[i] / static_cast<double>(rows);
    drop_sum += drop[i];
    differs_sum += differs[i];
    points.push_back({grid_[i], saved_sum, drop_sum / static_cast<double>(rows),
                      (drop_sum + differs_sum) / static_cast<double>(2 * rows)});
  }
  return points;
}

CommonThreshold::Point CommonThreshold::best(std::span<const std::size_t> set,
                                             double max_loss) const {
  Point best{kShut, 0, 0, 0};
  for (const Point& point : curve(set)) {
    if (point.loss <= max_loss && point.saved > best.saved) best = point;
  }
  return best;
}

double CommonThreshold::worth(std::span<const std::size_t> set, double max_loss) const {
  const std::array<double, 3> losses = {max_loss / 2, max_loss, 2 * max_loss};
  std::array<double, 3> most{};
  for (const Point& point : curve(set)) {
    for (std::size_t i = 0; i < losses.size(); ++i) {
      if (point.loss <= losses[i]) most[i] = std::max(most[i], point.saved);
    }
  }
  return std::accumulate(most.begin(), most.end(), 0.0) / static_cast<double>(losses.size());
}

std::vector<std::vector<std::size_t>> select_exits(const CommonThreshold& curves,
                                                   const SelectionOptions& options) {
  std::vector<Set> sets;
  Found best;
  const auto most =
      std::min(static_cast<std::size_t>(std::max(options.max_exits, 0)), curves.exits());
  while (sets.size() < most) {
    const Set before = best.set;
    best.worth = -1;
    try_all_additions(curves, before, options.max_loss, best);
    for (double worth = -1; best.worth > worth;) {
      worth = best.worth;
      const Set settled = best.set;
      for (const std::size_t leaving : settled) {
        Set rest = settled;
        std::erase(rest, leaving);
        try_all_additions(curves, rest, options.max_loss, best);
      }
    }
    sets.push_back(best.set);
  }
  return sets;
}

std::size_t worthwhile_exits(std::span<const double> worth, double min_gain) {
  std::size_t count = 0;
  double now = 0;
  for (std::size_t i = 0; i < worth.size(); ++i) {
    const auto added = static_cast<double>(i + 1 - count);
    if (worth[i] <= 0 || worth[i] - now < added * min_gain) continue;
    count = i + 1;
    now = worth[i];
  }
  return count;
}

}  // namespace sidenet
