#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "balanced_accuracy.h"

#include <doctest/doctest.h>

#include <cmath>

#include "random.h"

using namespace sidenet;

namespace {

/// Rows of each class, of which a share is right; the others get any class.
ClassCounts simulated(const std::vector<int>& rows, double right, std::uint64_t seed) {
  ClassCounts counts(rows.size());
  Random random(seed);
  for (std::size_t label = 0; label < rows.size(); ++label) {
    for (int row = 0; row < rows[label]; ++row) {
      const auto any = static_cast<int>(random.below(rows.size()));
      counts.add(static_cast<int>(label), random.uniform() < right ? static_cast<int>(label) : any);
    }
  }
  return counts;
}

}  // namespace

TEST_CASE("the mean over classes, by hand") {
  ClassCounts counts(3);
  for (int i = 0; i < 8; ++i) counts.add(0, i < 6 ? 0 : 1);  // 3/4
  counts.add(2, 2);
  counts.add(2, -1);  // without an answer: 1/2
  CHECK(counts.rows == 10);
  const BalancedAccuracy seen = balanced_accuracy(counts);
  CHECK(seen.classes == 2);
  CHECK(seen.value == doctest::Approx(0.625));
  CHECK(seen.chance == doctest::Approx((0.6 + 0.1) / 2));
  CHECK(seen.chance_deviation == doctest::Approx(std::sqrt(0.6 * 0.4 / 8 + 0.1 * 0.9 / 2) / 2));
  CHECK(seen.deviation == doctest::Approx(std::sqrt(0.7 * 0.3 / 8 + 0.5 * 0.5 / 2) / 2));
}

TEST_CASE("one answer to all is chance, however often it is right") {
  ClassCounts counts(2);
  for (int i = 0; i < 1000; ++i) counts.add(i < 950 ? 0 : 1, 0);
  const BalancedAccuracy seen = balanced_accuracy(counts);
  CHECK(seen.value == 0.5);
  CHECK(!seen.above_chance(0.4));
}

TEST_CASE("without rows nothing is told") {
  const BalancedAccuracy none = balanced_accuracy(ClassCounts(4));
  CHECK(none.classes == 0);
  CHECK(std::isnan(none.value));
  CHECK(!none.above_chance(0.5));
}

TEST_CASE("the test has its level, and bounds cover") {
  int above = 0, below_true = 0;
  constexpr int kDraws = 2000;
  for (int draw = 0; draw < kDraws; ++draw) {
    const auto seed = static_cast<std::uint64_t>(draw);
    above += balanced_accuracy(simulated({40, 80, 20}, 0, seed)).above_chance(0.05) ? 1 : 0;
    const double truth = 0.5 + 0.5 / 3;
    const BalancedAccuracy seen = balanced_accuracy(simulated({40, 80, 20}, 0.5, seed));
    CHECK(seen.above_chance(0.01));
    below_true += seen.upper(0.05) < truth ? 1 : 0;
  }
  CHECK(above > 0.03 * kDraws);
  CHECK(above < 0.07 * kDraws);
  CHECK(below_true < 0.07 * kDraws);
}
