#include "balanced_accuracy.h"

#include <cmath>
#include <limits>

#include "p_values.h"

namespace sidenet {

void ClassCounts::add(int label, int answer) {
  ++rows;
  ++labelled.at(static_cast<std::size_t>(label));
  if (answer < 0) return;
  ++answered.at(static_cast<std::size_t>(answer));
  if (answer == label) ++right[static_cast<std::size_t>(label)];
}

BalancedAccuracy balanced_accuracy(const ClassCounts& counts) {
  BalancedAccuracy result;
  double chance_variance = 0, variance = 0;
  for (std::size_t label = 0; label < counts.labelled.size(); ++label) {
    const auto rows = static_cast<double>(counts.labelled[label]),
               right = static_cast<double>(counts.right[label]);
    if (rows == 0) continue;
    ++result.classes;
    const double blind =
        static_cast<double>(counts.answered[label]) / static_cast<double>(counts.rows);
    const double seen = (right + 1) / (rows + 2);
    result.value += right / rows;
    result.chance += blind;
    chance_variance += blind * (1 - blind) / rows;
    variance += seen * (1 - seen) / rows;
  }
  const double classes =
      result.classes > 0 ? result.classes : std::numeric_limits<double>::quiet_NaN();
  result.value /= classes;
  result.chance /= classes;
  result.chance_deviation = std::sqrt(chance_variance) / classes;
  result.deviation = std::sqrt(variance) / classes;
  return result;
}

bool BalancedAccuracy::above_chance(double level) const {
  constexpr double kRounding = 1e-9;
  return value - chance > normal_score(level) * chance_deviation + kRounding;
}

double BalancedAccuracy::upper(double level) const {
  return value + normal_score(level) * deviation;
}

}  // namespace sidenet
