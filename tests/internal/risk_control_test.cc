#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "risk_control.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "p_values.h"
#include "random_scores.h"
#include "sidenet/error.h"
#include "threshold_search.h"

using namespace sidenet;
using doctest::Approx;

namespace {

double risk_of(const ExitScores& scores, const std::vector<double>& thresholds, Risk risk) {
  const auto rows = all_rows(scores);
  const OperatingPoint point = operate(scores, thresholds, rows);
  if (risk == Risk::disagreement) return 1 - point.agreement;
  if (risk == Risk::drop) return operate(scores, std::vector<double>(thresholds.size(), kShut)).accuracy - point.accuracy;
  const auto answers = answering_exits(scores, thresholds, rows);
  std::vector<double> wrong(thresholds.size() + 1, 0.0);
  for (const std::uint32_t row : rows)
    wrong[answers[row]] += scores.prediction[answers[row]][row] != scores.labels[row] ? 1 : 0;
  double largest = 0;
  for (std::size_t k = 0; k < thresholds.size(); ++k) {
    if (point.rows[k] > 0) largest = std::max(largest, wrong[k] / static_cast<double>(point.rows[k]));
  }
  return largest;
}

/// The lowest threshold for all whose risk on `scores` itself is epsilon at most.
std::vector<double> lowest_uniform(const ExitScores& scores, Risk risk, double epsilon) {
  std::vector<double> best(scores.exits() - 1, kShut);
  for (const double threshold : threshold_grid()) {
    const std::vector<double> thresholds(scores.exits() - 1, threshold);
    if (risk_of(scores, thresholds, risk) <= epsilon) best = thresholds;
  }
  return best;
}

ExitScores rows_of(const ExitScores& scores, const std::vector<std::uint32_t>& rows) {
  ExitScores part = scores;
  part.labels.clear();
  for (const std::uint32_t row : rows) part.labels.push_back(scores.labels[row]);
  for (std::size_t k = 0; k < scores.exits(); ++k) {
    part.confidence[k].clear();
    part.prediction[k].clear();
    for (const std::uint32_t row : rows) {
      part.confidence[k].push_back(scores.confidence[k][row]);
      part.prediction[k].push_back(scores.prediction[k][row]);
    }
  }
  return part;
}

std::vector<std::uint32_t> draw(std::size_t population, std::size_t count, Random& random) {
  std::vector<std::uint32_t> rows(count);
  for (std::uint32_t& row : rows) row = static_cast<std::uint32_t>(random.below(population));
  return rows;
}

}  // namespace

// Literals from scipy 1.17: binom.cdf(k, n, p); beta.ppf(1 - delta, k + 1, n - k).
TEST_CASE("binomial tails and bounds are scipy's") {
  CHECK(binomial_cdf(0, 230, 0.01) == Approx(0.09910481551887486).epsilon(1e-10));
  CHECK(binomial_cdf(3, 10, 0.3) == Approx(0.6496107184000002).epsilon(1e-10));
  CHECK(binomial_cdf(40, 5000, 0.01) == Approx(0.0849926578860029).epsilon(1e-10));
  CHECK(binomial_cdf(60, 5000, 0.01) == Approx(0.928847941487328).epsilon(1e-10));
  CHECK(binomial_cdf(480, 50000, 0.01) == Approx(0.1908412441097095).epsilon(1e-9));
  CHECK(binomial_cdf(999, 1000, 0.999) == Approx(0.6323045752290363).epsilon(1e-10));
  CHECK(binomial_cdf(2, 7, 0.9) == Approx(0.00017649999999999982).epsilon(1e-10));
  CHECK(binomial_upper(0, 230, 0.1) == Approx(0.009961293887814408).epsilon(1e-9));
  CHECK(binomial_upper(40, 5000, 0.1) == Approx(0.00986874581776094).epsilon(1e-9));
  CHECK(binomial_upper(3, 10, 0.05) == Approx(0.6066242161054123).epsilon(1e-9));
  CHECK(binomial_upper(480, 50000, 0.01) == Approx(0.01066401097689189).epsilon(1e-9));
}

TEST_CASE("binomial corners") {
  CHECK(binomial_cdf(-1, 10, 0.5) == 0);
  CHECK(binomial_cdf(10, 10, 0.5) == 1);
  CHECK(binomial_cdf(0, 0, 0.5) == 1);
  CHECK(binomial_cdf(3, 10, 0) == 1);
  CHECK(binomial_cdf(3, 10, 1) == 0);
  CHECK(binomial_upper(5, 5, 0.1) == 1);
  CHECK(binomial_upper(0, 0, 0.1) == 1);
}

// m = arange(n + 1); D = beta.ppf(1 - gamma, w + b + 1, n - w - b)
// gamma + (binom.pmf(m, n, D) * binom.cdf(floor((m + w - b) / 2), m, (1 + epsilon / D) / 2)).sum()
TEST_CASE("the paired p-value is its formula's") {
  CHECK(paired_p_value(40, 20, 5000, 0.01, 0.01) == Approx(0.01032370318825177).epsilon(1e-9));
  CHECK(paired_p_value(12, 2, 2000, 0.01, 0.005) == Approx(0.033082378157436705).epsilon(1e-9));
  CHECK(paired_p_value(0, 0, 400, 0.01, 0.01) == Approx(0.04313040963987673).epsilon(1e-9));
  CHECK(paired_p_value(0, 20, 500, 0, 0.01) == Approx(0.010353052899505655).epsilon(1e-9));
  CHECK(paired_p_value(300, 20, 50000, 0.01, 0.01) == 0.01);  // D below epsilon
  CHECK(paired_p_value(50, 0, 5000, 0.01, 0.01) == 1);
  CHECK(paired_p_value(3, 3, 500, 0, 0.01) == 1);
  CHECK(paired_p_value(0, 0, 0, 0.1, 0.01) == 1);
}

TEST_CASE("the paired test rejects no true null too often, by summing over all outcomes") {
  constexpr int n = 80;
  constexpr double epsilon = 0.1, gamma = 0.01;
  std::vector<double> p, log_ways;
  std::vector<std::pair<int, int>> outcomes;
  for (int worse = 0; worse <= n; ++worse) {
    for (int better = 0; worse + better <= n; ++better) {
      outcomes.emplace_back(worse, better);
      p.push_back(paired_p_value(worse, better, n, epsilon, gamma));
      log_ways.push_back(std::lgamma(n + 1) - std::lgamma(worse + 1) - std::lgamma(better + 1) -
                         std::lgamma(n - worse - better + 1));
    }
  }
  double most = 0;
  for (const double difference : {0.1, 0.13}) {
    for (double minus = 0.0005; 2 * minus + difference < 0.999; minus += 0.01) {
      const double plus = minus + difference, none = 1 - plus - minus;
      for (const double alpha : {0.05, 0.1, 0.2}) {
        double rejected = 0;
        for (std::size_t i = 0; i < p.size(); ++i) {
          const auto [worse, better] = outcomes[i];
          if (p[i] > alpha) continue;
          rejected += std::exp(log_ways[i] + worse * std::log(plus) + better * std::log(minus) +
                               (n - worse - better) * std::log(none));
        }
        CHECK(rejected <= alpha);
        most = std::max(most, rejected / alpha);
      }
    }
  }
  CHECK(most > 0.5);  // nor is it idle
}

TEST_CASE("the paired bound turns the test round, and has more power than the binomial of the worse rows alone") {
  const double bound = paired_upper(30, 12, 4000, 0.1, 0.01);
  CHECK(paired_p_value(30, 12, 4000, bound, 0.01) <= 0.1);
  CHECK(paired_p_value(30, 12, 4000, bound - 1e-5, 0.01) > 0.1);
  CHECK(bound > 18.0 / 4000);
  CHECK(bound < binomial_upper(30, 4000, 0.1));
  CHECK(paired_upper(0, 60, 1000, 0.1, 0.01) == 0);
}

TEST_CASE("over many draws the promise is broken at most at delta, and most of the saving is had") {
  const ExitScores population = random_scores(20000, 3, 21);
  constexpr int draws = 500;
  constexpr double delta = 0.1;
  const double allowed = delta * draws + 2 * std::sqrt(draws * delta * (1 - delta));
  struct Case {
    Risk risk;
    double epsilon;
    const char* name;
  };
  for (const Case& test : {Case{Risk::drop, 0.02, "drop"}, Case{Risk::disagreement, 0.05, "disagreement"},
                           Case{Risk::exit_error, 0.05, "exit_error"}}) {
    Random random(33, static_cast<std::uint64_t>(test.risk));
    const double oracle = 1 - operate(population, lowest_uniform(population, test.risk, test.epsilon)).compute;
    int broken = 0, certified = 0, naive_broken = 0, naive = 0;
    double saved = 0;
    for (int i = 0; i < draws; ++i) {
      const auto rows = draw(population.rows(), 1000, random);
      const CertifyResult result =
          certify(population, rows, {test.risk, test.epsilon, delta, static_cast<std::uint64_t>(i)});
      certified += result.certified ? 1 : 0;
      broken += risk_of(population, result.thresholds, test.risk) > test.epsilon ? 1 : 0;
      saved += (1 - operate(population, result.thresholds).compute) / draws;
      if (i % 10 != 0) continue;
      ++naive;  // the threshold whose rate on the rows is just small enough
      const auto thresholds = lowest_uniform(rows_of(population, rows), test.risk, test.epsilon);
      naive_broken += risk_of(population, thresholds, test.risk) > test.epsilon ? 1 : 0;
    }
    MESSAGE(std::string(test.name) << ": broken in " << broken << " of " << draws << " draws (without a test in "
                                   << naive_broken << " of " << naive << "), certified " << certified << ", saved " << saved
                                   << ", oracle " << oracle);
    CHECK(broken <= allowed);
    CHECK(naive_broken > 0.2 * naive);
    CHECK(certified > 0.9 * draws);
    CHECK(saved > oracle - 0.1);
  }
}

TEST_CASE("a certificate says what it stands on") {
  const ExitScores scores = random_scores(4000, 3, 5);
  for (const Risk risk : {Risk::drop, Risk::disagreement, Risk::exit_error}) {
    const CertifyOptions options{risk, 0.05, 0.1, 9};
    const CertifyResult result = certify(scores, options);
    REQUIRE(result.certified);
    CHECK(result.p_value <= 0.1);
    CHECK(result.bound <= 0.05);
    CHECK(result.point.compute < 1);
    CHECK(result.point.thresholds == result.thresholds);
    CHECK((result.rows == 4000) == (risk != Risk::exit_error));
    CHECK_FALSE(result.rows_needed);
    CHECK_FALSE(result.method.empty());
    CHECK(certify(scores, options).thresholds == result.thresholds);
  }
}

TEST_CASE("few rows test the drop by the rows that get worse") {
  const ExitScores scores = random_scores(250, 3, 5);
  const CertifyResult result = certify(scores, {Risk::drop, 0.015, 0.1, 0});
  CHECK(result.certified);
  CHECK(result.method.find("get worse") != std::string::npos);
  CHECK(certify(scores, {Risk::drop, 0.02, 0.1, 0}).method.find("paired") != std::string::npos);
}

TEST_CASE("the sequence stops at the first failure") {
  const ExitScores scores = random_scores(3000, 2, 6);
  const std::vector<std::vector<double>> path{{0.999, 0.999}, {0.34, 0.34}, {0.995, 0.995}};
  const CertifyResult result = certify_path(scores, path, all_rows(scores), {Risk::disagreement, 0.03, 0.1, 0});
  CHECK(result.certified);
  CHECK(result.thresholds == path[0]);
}

TEST_CASE("where nothing certifies all is shut, and the rows that would do are told") {
  // No SideNet is ever less than sure, and 0.8 % of their answers differ: too many to tell from 1 % on 1,000 rows.
  ExitScores scores = random_scores(1000, 1, 7);
  std::fill(scores.confidence[0].begin(), scores.confidence[0].end(), 1.0f);
  scores.prediction[0] = scores.prediction[1];
  for (std::size_t row = 0; row < 8; ++row) scores.prediction[0][row] += 3;
  const CertifyResult result = certify(scores, {Risk::disagreement, 0.01, 0.1, 0});
  CHECK_FALSE(result.certified);
  CHECK(result.thresholds == std::vector<double>{kShut});
  CHECK(result.point.compute == 1);
  CHECK(result.p_value == Approx(binomial_cdf(8, 1000, 0.01)));
  CHECK(std::isnan(result.bound));
  REQUIRE(result.rows_needed);
  CHECK(*result.rows_needed > 3000);  // binom.cdf(0.008 n, n, 0.01) <= 0.1 from n of about 3,800
  CHECK(*result.rows_needed < 5000);

  for (std::size_t row = 0; row < 30; ++row) scores.prediction[0][row] += 3;
  CHECK_FALSE(certify(scores, {Risk::disagreement, 0.01, 0.1, 0}).rows_needed);
}

TEST_CASE("epsilon 0 certifies no answer but MainNet's, unless the exits are plainly better") {
  ExitScores scores = random_scores(2000, 2, 8);
  CHECK_FALSE(certify(scores, {Risk::disagreement, 0, 0.1, 0}).certified);
  CHECK_FALSE(certify(scores, {Risk::drop, 0, 0.1, 0}).certified);
  CHECK_FALSE(certify(scores, {Risk::exit_error, 0, 0.1, 0}).certified);
  for (std::size_t row = 0; row < scores.rows(); ++row) {
    scores.confidence[0][row] = 1;
    scores.prediction[0][row] = scores.labels[row];
  }
  CHECK(certify(scores, {Risk::drop, 0, 0.1, 0}).certified);
}

TEST_CASE("options out of range and too few rows are refused") {
  const ExitScores scores = random_scores(229, 2, 9);
  CHECK_THROWS_WITH_AS(certify(scores, {Risk::disagreement, 0.01, 0.1, 0}),
                       "certify: epsilon 0.010000 at delta 0.100000: expected at least 230 rows, got 229", Error);
  CHECK_THROWS_AS(certify(scores, {Risk::drop, 0.01, 0.1, 0}), Error);
  CHECK_THROWS_AS(certify(scores, {Risk::exit_error, 0.015, 0.1, 0}), Error);  // of 229 rows, 138 are left to test, not 153
  CHECK_NOTHROW(certify(scores, {Risk::exit_error, 0.02, 0.1, 0}));
  CHECK_THROWS_AS(certify(scores, {}, {Risk::drop, 0, 0.1, 0}), Error);
  CHECK_THROWS_WITH_AS(certify(scores, {Risk::drop, -0.1, 0.1, 0}),
                       "certify: epsilon: expected 0 or more and below 1, got -0.100000", Error);
  CHECK_THROWS_AS(certify(scores, {Risk::drop, std::nan(""), 0.1, 0}), Error);
  CHECK_THROWS_AS(certify(scores, {Risk::drop, 0.01, 0, 0}), Error);
  CHECK_THROWS_AS(certify(scores, {Risk::drop, 0.01, 0.6, 0}), Error);
}
