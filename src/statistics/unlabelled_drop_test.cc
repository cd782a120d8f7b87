#include "unlabelled_drop_test.h"

#include <algorithm>
#include <cmath>

#include "drop_test.h"
#include "p_values.h"

namespace sidenet {
namespace {

constexpr double kCell = 1.01;         // the ratio of its ends
constexpr double kConditional = 1e-3;  // of delta: the level that p2 is made for
constexpr double kChangedVariance = 0.9, kLeastVariance = 0.4;

/// What the interval of D may miss, of delta, and up to which D over epsilon p1 and p2 are looked
/// at. Chosen by delta and the numbers of rows alone: a strict promise from few rows with labels
/// has a wide margin, of which the rate's part is worth its price where many have none; elsewhere
/// it is not (docs/thresholds.md).
struct Plan {
  double nuisance_share, most_ratio;
};
Plan plan_for(double delta, double epsilon, double labelled, double all) {
  return delta <= 0.06 && all >= 4 * labelled && labelled * epsilon <= 40 ? Plan{0.05, 3}
                                                                          : Plan{0.001, 1};
}

}  // namespace

double unlabelled_drop_p_value(const ChangedCounts& counts, std::int64_t labelled, double epsilon,
                               double delta) {
  const Plan plan =
      plan_for(delta, epsilon, static_cast<double>(labelled), static_cast<double>(counts.all));
  const double gamma = plan.nuisance_share * delta;
  const double least = 1 - binomial_upper(counts.all - counts.all_changed, counts.all, gamma / 2);
  const double most = binomial_upper(counts.all_changed, counts.all, gamma / 2);
  if (most < epsilon) return gamma;
  double largest = 0;
  const double end = std::min(most, plan.most_ratio * epsilon);
  if (most > end)
    largest = DropTest(labelled, epsilon, delta - gamma).p_value(counts.worse, counts.better);
  for (double low = std::max(least, epsilon); low < end && gamma + largest <= delta; low *= kCell) {
    const double high = std::min(1.0, low * kCell), share = epsilon / high;
    const double p1 = binomial_cdf(counts.all_changed, counts.all, low);
    const double p2 =
        DropTest(counts.changed, share, kConditional * delta, DropTest::Precision::everywhere)
            .p_value(counts.worse, counts.better);
    const double first = share / std::sqrt(static_cast<double>(counts.all));
    const double second = std::sqrt(std::max(kChangedVariance - share * share, kLeastVariance) /
                                    static_cast<double>(std::max<std::int64_t>(labelled, 1)));
    const double z =
        (first * normal_score(p1) + second * normal_score(p2)) / std::hypot(first, second);
    largest = std::max(largest, 0.5 * std::erfc(z / std::sqrt(2.0)));
  }
  return std::min(1.0, gamma + largest);
}

}  // namespace sidenet
