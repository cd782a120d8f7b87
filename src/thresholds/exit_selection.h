#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sidenet/operating_point.h"
#include "threshold_search.h"

namespace sidenet {

/// One threshold for all exits of a set, all others shut: uniform_curve of any set of exits, fast
/// enough to try many sets on the same rows.
class CommonThreshold {
 public:
  struct Point {
    double threshold;  ///< kShut: MainNet alone
    double saved;      ///< share of MainNet's cost, SideNets included; may be below 0
    double drop;       ///< of accuracy against MainNet; may be below 0
    double loss;  ///< the mean of drop and the share of rows that are not answered with MainNet's
                  ///< class
  };
  /// Throws Error where cost is ms and nothing was timed, or there are no rows. scores: checked.
  CommonThreshold(const ExitScores& scores, std::span<const std::uint32_t> rows,
                  SearchOptions::Cost cost);

  std::size_t exits() const { return heads_.size(); }
  /// All shut, then every one of threshold_grid(). set: exits (without `final`), ascending.
  std::vector<Point> curve(std::span<const std::size_t> set) const;
  /// The point of the curve that saves the most among those whose loss is at most max_loss.
  Point best(std::span<const std::size_t> set, double max_loss) const;
  /// How good a set is to have: the mean of what it saves at losses of half, once and twice
  /// max_loss, which hangs less on a few rows than the one point does. The loss is
  /// ThresholdDescent's, as it varies less than the drop: of ResNet-56 on CIFAR-10, sets that 3,000
  /// rows chose by it saved half a point more on other rows than those chosen by the drop.
  double worth(std::span<const std::size_t> set, double max_loss) const;

 private:
  std::vector<double> grid_;
  std::vector<double> segments_, heads_;  // over MainNet's cost; heads without `final`
  std::vector<std::vector<std::uint16_t>>
      level_;  // [exit][row]: the first of grid_ that its confidence reaches, or its size
  std::vector<std::vector<std::int8_t>>
      drop_;  // [exit][row]: MainNet right (1 or 0) less this exit right
  std::vector<std::vector<std::int8_t>>
      differs_;                // [exit][row]: 1 where its class is not MainNet's
  std::vector<float> weight_;  // [row], their mean 1
};

struct SelectionOptions {
  int max_exits = 4;
  double max_loss = 0.005;
};

/// The best set of 1, 2, … max_exits exits, each ascending: from the set before, the exit that adds
/// the most worth, then exits exchanged one by one while that helps.
std::vector<std::vector<std::size_t>> select_exits(const CommonThreshold& curves,
                                                   const SelectionOptions& options);

/// How many exits to have, where worth[k] is that of the best k + 1: so many that every step gained
/// min_gain an exit.
std::size_t worthwhile_exits(std::span<const double> worth, double min_gain);

}  // namespace sidenet
