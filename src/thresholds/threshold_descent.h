#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sidenet/operating_point.h"

namespace sidenet {

/// Coordinate descent on one threshold an exit, for the least mean of loss + price * cost over a
/// set of rows.
class ThresholdDescent {
 public:
  /// Costs of a row of weight 1, one an exit, over MainNet's whole cost.
  struct Costs {
    std::vector<double> segments, heads;
  };
  /// rows may repeat. A row's loss at an exit is the mean of "not the label" and "not MainNet's
  /// class", or the latter alone.
  ThresholdDescent(const ExitScores& scores, std::span<const std::uint32_t> rows, Costs costs,
                   bool labels);

  struct Means {
    double loss = 0, cost = 0;
  };
  Means evaluate(std::span<const double> thresholds) const;

  /// Sweeps from the last exit to the first until nothing changes, and returns loss + price * cost.
  /// Within a sweep each exit's threshold is the best of all that tell its rows apart, the others
  /// given: what a row costs if it goes on is known from the exits behind, and who gets there from
  /// those before, so that a sweep is one pass over the sorted rows.
  double descend(std::vector<double>& thresholds, double price);

 private:
  void sweep(std::vector<double>& thresholds, double price);
  double best_threshold(std::size_t exit, double price) const;

  std::size_t rows_;
  Costs costs_;
  std::vector<std::vector<float>> confidence_, loss_;  // [exit][row]
  std::vector<std::vector<std::uint32_t>> order_;      // [exit]: rows, surest first
  std::vector<float> weight_;                          // [row]
  std::vector<std::uint8_t> earliest_;  // [row]: the first exit that it would leave at
  std::vector<double> onward_;  // [row]: loss + price * cost if it goes on from the exit at hand
};

}  // namespace sidenet
