#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "drop_test.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include "p_values.h"
#include "random.h"
#include "unlabelled_drop_test.h"

using namespace sidenet;
using doctest::Approx;

namespace {

double log_ways(int n, int worse, int better) {
  return std::lgamma(n + 1) - std::lgamma(worse + 1) - std::lgamma(better + 1) -
         std::lgamma(n - worse - better + 1);
}

/// P(worse, better) of n rows.
double probability(int n, int worse, int better, double plus, double minus) {
  const double none = std::max(0.0, 1 - plus - minus);
  const auto part = [](int count, double p) { return count == 0 ? 0.0 : count * std::log(p); };
  return std::exp(log_ways(n, worse, better) + part(worse, plus) + part(better, minus) +
                  part(n - worse - better, none));
}

/// The largest probability with which outcomes that pass come up under H0, over a fine grid of what
/// it leaves open.
double largest_size(int n, double epsilon, const std::vector<std::pair<int, int>>& passing) {
  double most = 0;
  for (const double difference : {epsilon, 1.2 * epsilon + 0.01}) {
    for (double minus = 0; 2 * minus + difference <= 1; minus += minus < 0.02 ? 0.0005 : 0.005) {
      double sum = 0;
      for (const auto& [worse, better] : passing) {
        if (better > 0 && minus == 0) continue;
        sum += probability(n, worse, better, minus + difference, minus);
      }
      most = std::max(most, sum);
    }
  }
  return most;
}

/// What tested the drop before: a binomial of the worse rows alone, and their sum at the largest
/// rate of changed rows (p_value of 0505d81). Kept to compare with.
double former_paired(std::int64_t worse, std::int64_t better, std::int64_t n, double epsilon,
                     double gamma) {
  const double rate = binomial_upper(worse + better, n, gamma);
  if (rate < epsilon) return gamma;
  const std::int64_t s = worse - better;
  const double mode = std::floor(static_cast<double>(n - 1) * epsilon - 1e-9);
  if (rate > 0.5 || static_cast<double>(s + 1) > std::max(mode, epsilon > 0 ? mode : 0.0)) return 1;
  const double plus = std::min(1.0, 0.5 * (1 + epsilon / rate));
  double sum = 0;
  const double mean = static_cast<double>(n) * rate, spread = 10 * std::sqrt(mean) + 20;
  const auto first = static_cast<std::int64_t>(std::max(0.0, mean - spread)),
             last = std::min(n, static_cast<std::int64_t>(mean + spread));
  for (std::int64_t m = first; m <= last; ++m)
    sum += binomial_pmf(m, n, rate) * (m + s < 0 ? 0.0 : binomial_cdf((m + s) / 2, m, plus));
  return std::min(1.0, gamma + sum);
}
bool former_passes(std::int64_t worse, std::int64_t better, std::int64_t n, double epsilon,
                   double delta) {
  return binomial_cdf(worse, n, epsilon) <= delta ||
         former_paired(worse, better, n, epsilon, 0.1 * delta) <= delta;
}

double drop_upper(std::int64_t worse, std::int64_t better, std::int64_t rows, double delta,
                  double most) {
  return largest_kept(
      most, [&](double epsilon) { return DropTest(rows, epsilon, delta).passes(worse, better); });
}

template <typename Passes>
std::int64_t fewest_rows(std::int64_t least, const Passes& passes) {
  std::int64_t high = std::max<std::int64_t>(least, 1), low = least - 1;
  while (!passes(high)) high *= 2;
  while (high - low > 1) {
    const std::int64_t middle = low + (high - low) / 2;
    (passes(middle) ? high : low) = middle;
  }
  return high;
}

}  // namespace

TEST_CASE("the statistic is the signed root of the likelihood ratio") {
  for (const double epsilon : {0.0, 0.01, 0.1}) {
    for (const auto& [worse, better] :
         std::vector<std::pair<int, int>>{{0, 0}, {3, 0}, {0, 4}, {7, 5}, {20, 2}, {5, 30}}) {
      const int n = 300;
      if (epsilon == 0 && worse + better == 0) continue;
      const auto log_likelihood = [&](double plus, double minus) {
        const auto part = [](int count, double p) {
          return count == 0 ? 0.0 : count * std::log(p);
        };
        return part(worse, plus) + part(better, minus) + part(n - worse - better, 1 - plus - minus);
      };
      double best = -1e300;  // with P - M = epsilon, by brute force
      for (double q = 1e-9; 2 * q + epsilon < 1; q += 2e-6)
        best = std::max(best, log_likelihood(q + epsilon, q));
      const double ratio = 2 * (log_likelihood(worse / 300.0, better / 300.0) - best);
      const double z = drop_statistic(worse, better, n, epsilon);
      CAPTURE(epsilon);
      CAPTURE(worse);
      CAPTURE(better);
      CHECK(z * z == Approx(ratio).epsilon(1e-3));
      if (std::abs(z) > 1e-6) CHECK((z < 0) == (worse - better < n * epsilon));
    }
  }
}

TEST_CASE(
    "the region is gained by fewer worse or more better rows: z grows with worse and falls with "
    "better") {
  for (const double epsilon : {0.0, 0.003, 0.05, 0.4}) {
    for (int worse = 0; worse <= 60; ++worse) {
      for (int better = 0; worse + better <= 60; ++better) {
        const double z = drop_statistic(worse, better, 60, epsilon);
        if (worse + better == 60) continue;
        CHECK(drop_statistic(worse + 1, better, 60, epsilon) >= z - 1e-9);
        CHECK(drop_statistic(worse, better + 1, 60, epsilon) <= z + 1e-9);
      }
    }
  }
}

TEST_CASE(
    "no true null is rejected more often than delta, by summing over all outcomes; nor is the test "
    "idle") {
  struct Case {
    int n;
    double epsilon;
  };
  for (const Case& test : {Case{40, 0.1}, Case{60, 0.3}, Case{50, 0}, Case{90, 0.02}}) {
    for (const double delta : {0.01, 0.05, 0.1, 0.2, 0.5}) {
      const DropTest drop(test.n, test.epsilon, delta);
      std::vector<std::pair<int, int>> passing;
      for (int worse = 0; worse <= test.n; ++worse) {
        for (int better = 0; worse + better <= test.n; ++better) {
          if (drop.passes(worse, better)) passing.emplace_back(worse, better);
        }
      }
      CAPTURE(test.n);
      CAPTURE(delta);
      const double size = largest_size(test.n, test.epsilon, passing) / delta;
      CHECK(size <= 1);
      CHECK(size > 0.9);
    }
  }
}

TEST_CASE(
    "p is the largest probability, bounded from above and no more than told, by brute force over "
    "the rate") {
  constexpr int n = 120;
  constexpr double epsilon = 0.05, delta = 0.1;
  for (const auto& [worse, better] :
       std::vector<std::pair<int, int>>{{0, 0}, {2, 1}, {4, 4}, {6, 9}, {9, 6}}) {
    const double p =
        DropTest(n, epsilon, delta, DropTest::Precision::everywhere).p_value(worse, better);
    const double seen = drop_statistic(worse, better, n, epsilon);
    const double low = std::max(epsilon, 1 - binomial_upper(n - worse - better, n, delta / 2000)),
                 high = binomial_upper(worse + better, n, delta / 2000);
    double most = 0;
    for (int step = 0; step <= 400; ++step) {
      const double rate = low + (high - low) * step / 400, plus = (rate + epsilon) / 2,
                   minus = (rate - epsilon) / 2;
      double sum = 0;
      for (int w = 0; w <= n; ++w) {
        for (int b = 0; w + b <= n; ++b) {
          if (drop_statistic(w, b, n, epsilon) > seen + 1e-9 || (b > 0 && minus <= 0)) continue;
          sum += probability(n, w, b, plus, minus);
        }
      }
      most = std::max(most, sum);
    }
    CAPTURE(worse);
    CAPTURE(better);
    CHECK(p >= delta / 1000 + most * (1 - 1e-9));
    CHECK(p <= delta / 1000 + most * 1.006);
  }
}

// One more row can only lose what that row may be; a milder promise loses nothing.
TEST_CASE(
    "with no row better, what passes grows with epsilon and delta, and falls by one at most for a "
    "row more") {
  const std::vector<double> epsilons{0.002, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.2};
  const std::vector<double> deltas{0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5};
  const auto most_worse = [](std::int64_t n, double epsilon, double delta, std::int64_t least) {
    const DropTest drop(n, epsilon, delta);
    std::int64_t worse = least;
    while (worse < n && drop.passes(worse + 1, 0)) ++worse;
    return worse;
  };
  int cells = 0, wrong = 0;
  std::int64_t rows_before = 0;
  for (std::int64_t n = 1; n <= 2500; n += n < 200 ? 7 : 41) {
    std::vector<std::vector<std::int64_t>> here(epsilons.size(),
                                                std::vector<std::int64_t>(deltas.size()));
    for (std::size_t i = 0; i < epsilons.size(); ++i) {
      for (std::size_t j = 0; j < deltas.size(); ++j) {
        const std::int64_t most = most_worse(n, epsilons[i], deltas[j], -1);
        const std::int64_t next =
            most_worse(n + 1, epsilons[i], deltas[j], std::max<std::int64_t>(most - 2, -1));
        here[i][j] = most;
        wrong += next < most - 1 ? 1 : 0;
        wrong += i > 0 && most < here[i - 1][j] ? 1 : 0;
        wrong += j > 0 && most < here[i][j - 1] ? 1 : 0;
        cells += 2;
      }
    }
    rows_before = n;
  }
  MESSAGE(cells << " cells, up to " << rows_before << " rows: " << wrong << " wrong");
  CHECK(cells >= 10'000);
  CHECK(wrong == 0);
}

TEST_CASE("it needs at most 1 % more rows (or 2) than the better of the two tests it replaced") {
  for (const double epsilon : {0.005, 0.01, 0.02, 0.05, 0.1}) {
    for (const double delta : {0.01, 0.05, 0.1, 0.2, 0.5}) {
      for (const std::int64_t worse : {0, 1, 2, 5, 13, 40}) {
        for (const std::int64_t better : {0, 1, 3, 8, 20}) {
          const auto now = fewest_rows(worse + better, [&](std::int64_t n) {
            return DropTest(n, epsilon, delta).passes(worse, better);
          });
          const auto before = fewest_rows(worse + better, [&](std::int64_t n) {
            return former_passes(worse, better, n, epsilon, delta);
          });
          CAPTURE(epsilon);
          CAPTURE(delta);
          CAPTURE(worse);
          CAPTURE(better);
          CHECK(now <= std::max<std::int64_t>(before + 2, before * 101 / 100));
        }
      }
    }
  }
}

TEST_CASE("the review's cases: more rows, or a milder promise, no longer certify less") {
  CHECK(DropTest(510, 0.01, 0.02).passes(0, 0));
  for (const std::int64_t n : {500, 516, 595, 672, 846})
    CHECK(DropTest(n, 0.01, 0.02).passes(0, 0));
  CHECK(DropTest(499, 0.01, 0.01).passes(0, 0));
  CHECK(DropTest(900, 0.01, 0.01).passes(1, 0));
}

TEST_CASE("the upper bound turns the test round") {
  const double bound = drop_upper(30, 12, 4000, 0.1, 0.05);
  CHECK(DropTest(4000, bound, 0.1).passes(30, 12));
  CHECK_FALSE(DropTest(4000, bound - 1e-5, 0.1).passes(30, 12));
  CHECK(bound > 18.0 / 4000);
  CHECK(bound < binomial_upper(30, 4000, 0.1));
  CHECK(drop_upper(0, 60, 1000, 0.1, 0.05) == 0);
}

TEST_CASE(
    "with rows without labels no true null is rejected more often than delta either, by "
    "simulation") {
  struct Case {
    double epsilon, minus, both, delta;  ///< both: changed answers that are wrong both ways
  };
  constexpr std::uint64_t labelled = 200, others = 1000, draws = 3000;
  for (const Case& test :
       {Case{0.04, 0.005, 0.01, 0.05}, Case{0.04, 0, 0.0001, 0.05}, Case{0.04, 0.005, 0.01, 0.1}}) {
    Random random(9);
    std::map<std::array<std::int64_t, 4>, bool> seen;
    std::uint64_t rejected = 0;
    for (std::uint64_t draw = 0; draw < draws; ++draw) {
      ChangedCounts counts{.all = labelled + others};
      for (std::uint64_t row = 0; row < labelled + others; ++row) {
        double u = random.uniform();
        const bool worse = u < test.minus + test.epsilon;
        const bool better = !worse && (u -= test.minus + test.epsilon) < test.minus;
        const bool changed = worse || better || u - test.minus < test.both;
        counts.all_changed += changed ? 1 : 0;
        if (row >= labelled) continue;
        counts.worse += worse ? 1 : 0;
        counts.better += better ? 1 : 0;
        counts.changed += changed ? 1 : 0;
      }
      if (counts.worse - counts.better > 8) continue;  // more than expected: passes never
      const auto [at, is_new] =
          seen.try_emplace({counts.worse, counts.better, counts.changed, counts.all_changed});
      if (is_new)
        at->second =
            unlabelled_drop_p_value(counts, labelled, test.epsilon, test.delta) <= test.delta;
      rejected += at->second ? 1 : 0;
    }
    const double n = draws,
                 allowed = test.delta * n + 3 * std::sqrt(n * test.delta * (1 - test.delta));
    MESSAGE("rejected " << rejected << " of " << draws << " at delta " << test.delta);
    CHECK(static_cast<double>(rejected) <= allowed);
    CHECK(rejected > 0);
  }
}

TEST_CASE("where hardly any answer changes, nothing is left to test") {
  const ChangedCounts counts{2, 0, 3, 40, 10'000};
  CHECK(unlabelled_drop_p_value(counts, 200, 0.01, 0.01) <= 0.01);
  CHECK_FALSE(DropTest(200, 0.01, 0.01).passes(2, 0));
}
