#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sidenet {

/// Answers on labelled rows, counted by class.
struct ClassCounts {
  explicit ClassCounts(std::size_t classes)
      : labelled(classes), answered(classes), right(classes) {}
  /// answer: -1 for a row without one.
  void add(int label, int answer);

  std::int64_t rows = 0;
  std::vector<std::int64_t> labelled, answered, right;  ///< one a class
};

/// The share of a class's rows that is answered right, the mean over the classes of the data. It is
/// 1 / classes for whoever answers one class alone, however rare the others are.
struct BalancedAccuracy {
  int classes = 0;   ///< that the data has
  double value = 0;  ///< NaN without rows
  /// What as many answers of each class give that do not look at the row.
  double chance = 0;
  /// Standard deviations of `value`: of such answers, and about what was seen. A rate p of n rows
  /// counts as (n p + 1) / (n + 2) there, so that none is without doubt.
  double chance_deviation = 0, deviation = 0;

  /// Whether it is above chance, by a test at a level.
  bool above_chance(double level) const;
  /// Upper confidence bound, at a level.
  double upper(double level) const;
};

BalancedAccuracy balanced_accuracy(const ClassCounts& counts);

}  // namespace sidenet
