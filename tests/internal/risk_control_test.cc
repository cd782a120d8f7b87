#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "risk_control.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "exit_error_path.h"
#include "p_values.h"
#include "random_scores.h"
#include "rows_needed.h"
#include "sidenet/error.h"
#include "threshold_search.h"

using namespace sidenet;
using doctest::Approx;

namespace {

double risk_of(const ExitScores& scores, const std::vector<double>& thresholds, Risk risk) {
  const auto rows = all_rows(scores);
  const OperatingPoint point = operate(scores, thresholds, rows);
  if (risk == Risk::disagreement) return 1 - point.agreement;
  if (risk == Risk::drop)
    return operate(scores, std::vector<double>(thresholds.size(), kShut)).accuracy - point.accuracy;
  const auto answers = answering_exits(scores, thresholds, rows);
  std::vector<double> wrong(thresholds.size() + 1, 0.0);
  for (const std::uint32_t row : rows)
    wrong[answers[row]] += scores.prediction[answers[row]][row] != scores.labels[row] ? 1 : 0;
  double largest = 0;
  for (std::size_t k = 0; k < thresholds.size(); ++k) {
    if (point.rows[k] > 0)
      largest = std::max(largest, wrong[k] / static_cast<double>(point.rows[k]));
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

using Rows = std::vector<std::uint32_t>;

/// As `sidenet calibrate` uses it, but that no row fits a temperature; two fifths build the path of
/// exit_error.
CertifyResult certify(const ExitScores& scores, const Rows& rows, const CertifyOptions& options) {
  if (options.risk != Risk::exit_error) {
    return certify_path({scores, rows},
                        common_threshold_path(scores, {}, rows.size(), options).path, options);
  }
  const auto first = rows.begin() + static_cast<std::ptrdiff_t>(2 * rows.size() / 5);
  const Rows search(rows.begin(), first), test(first, rows.end());
  return certify_path({scores, test}, exit_error_path(scores, search, test.size(), options.epsilon),
                      options);
}
CertifyResult certify(const ExitScores& scores, const CertifyOptions& options) {
  return certify(scores, all_rows(scores), options);
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
  for (const Case& test :
       {Case{Risk::drop, 0.02, "drop"}, Case{Risk::disagreement, 0.05, "disagreement"},
        Case{Risk::exit_error, 0.05, "exit_error"}}) {
    Random random(33, static_cast<std::uint64_t>(test.risk));
    const double oracle =
        1 - operate(population, lowest_uniform(population, test.risk, test.epsilon)).compute;
    int broken = 0, certified = 0, naive_broken = 0, naive = 0;
    double saved = 0;
    for (int i = 0; i < draws; ++i) {
      const auto rows = draw(population.rows(), 1000, random);
      const CertifyResult result = certify(population, rows, {test.risk, test.epsilon, delta});
      certified += result.certified ? 1 : 0;
      broken += risk_of(population, result.thresholds, test.risk) > test.epsilon ? 1 : 0;
      saved += (1 - operate(population, result.thresholds).compute) / draws;
      if (i % 10 != 0) continue;
      ++naive;  // the threshold whose rate on the rows is just small enough
      const auto thresholds = lowest_uniform(rows_of(population, rows), test.risk, test.epsilon);
      naive_broken += risk_of(population, thresholds, test.risk) > test.epsilon ? 1 : 0;
    }
    MESSAGE(std::string(test.name)
            << ": broken in " << broken << " of " << draws << " draws (without a test in "
            << naive_broken << " of " << naive << "), certified " << certified << ", saved "
            << saved << ", oracle " << oracle);
    CHECK(broken <= allowed);
    CHECK(naive_broken > 0.2 * naive);
    CHECK(certified > 0.9 * draws);
    CHECK(saved > oracle - 0.1);
  }
}

TEST_CASE("a certificate says what it stands on") {
  const ExitScores scores = random_scores(4000, 3, 5);
  for (const Risk risk : {Risk::drop, Risk::disagreement, Risk::exit_error}) {
    const CertifyOptions options{risk, 0.05, 0.1};
    const CertifyResult result = certify(scores, options);
    REQUIRE(result.certified);
    CHECK(result.p_value <= 0.1);
    CHECK(result.bound <= 0.05);
    CHECK(result.point.compute < 1);
    CHECK(result.point.thresholds == result.thresholds);
    CHECK((result.rows == 4000) == (risk != Risk::exit_error));
    CHECK_FALSE(result.method.empty());
    CHECK(certify(scores, options).thresholds == result.thresholds);
  }
}

TEST_CASE("the sequence stops at the first failure") {
  const ExitScores scores = random_scores(3000, 2, 6);
  const std::vector<std::vector<double>> path{{0.999, 0.999}, {0.34, 0.34}, {0.995, 0.995}};
  const CertifyResult result =
      certify_path({scores, all_rows(scores)}, path, {Risk::disagreement, 0.03, 0.1});
  CHECK(result.certified);
  CHECK(result.thresholds == path[0]);
}

TEST_CASE("where nothing certifies all is shut, and the rows that would do are told") {
  // No SideNet is ever less than sure, and 0.8 % of their answers differ: too many to tell from 1 %
  // on 1,000 rows.
  ExitScores scores = random_scores(1000, 1, 7);
  std::fill(scores.confidence[0].begin(), scores.confidence[0].end(), 1.0f);
  scores.prediction[0] = scores.prediction[1];
  for (std::size_t row = 0; row < 8; ++row) scores.prediction[0][row] += 3;
  const CertifyOptions options{Risk::disagreement, 0.01, 0.1};
  const CertifyResult result = certify(scores, options);
  CHECK_FALSE(result.certified);
  CHECK(result.thresholds == std::vector<double>{kShut});
  CHECK(result.point.compute == 1);
  CHECK(result.p_value == Approx(binomial_cdf(8, 1000, 0.01)));
  CHECK(std::isnan(result.bound));
  const TestingRows seen{scores, all_rows(scores)};
  const auto path = common_threshold_path(scores, {}, 1000, options).path;
  // 0.85 % and half a standard error of 0.29 % more is too near 1 % to tell.
  CHECK_FALSE(testing_rows_needed(seen, path, options));
  CHECK(*testing_rows_needed(seen, path, {Risk::disagreement, 0.015, 0.1}) > 1000);
  CHECK(*testing_rows_needed(seen, path, {Risk::disagreement, 0.015, 0.1}) < 6000);
  for (std::size_t row = 0; row < 30; ++row) scores.prediction[0][row] += 3;
  CHECK_FALSE(testing_rows_needed(seen, path, options));
}

TEST_CASE("epsilon 0 certifies no answer but MainNet's, unless the exits are plainly better") {
  ExitScores scores = random_scores(2000, 2, 8);
  CHECK_FALSE(certify(scores, {Risk::disagreement, 0, 0.1}).certified);
  CHECK_FALSE(certify(scores, {Risk::drop, 0, 0.1}).certified);
  CHECK_FALSE(certify(scores, {Risk::exit_error, 0, 0.1}).certified);
  // Better where they are not quite sure, and no row leaves at the highest thresholds: other rows
  // say where to begin.
  for (std::size_t row = 0; row < scores.rows(); ++row) {
    scores.confidence[0][row] = row % 3 == 0 ? 0.9f : 0.5f;
    if (row % 3 == 0) scores.prediction[0][row] = scores.labels[row];
  }
  scores.confidence[1].assign(scores.rows(), 0.1f);
  Rows fitting, testing;
  for (std::uint32_t row = 0; row < scores.rows(); ++row)
    (row < 200 ? fitting : testing).push_back(row);
  for (const double epsilon : {0.0, 0.0001}) {
    const CertifyOptions options{Risk::drop, epsilon, 0.1};
    const CommonThresholds common = common_threshold_path(scores, fitting, testing.size(), options);
    CHECK(common.expected_p <= 0.1);
    CHECK(common.path.front()[0] < 0.91);
    const CertifyResult result = certify_path({scores, testing}, common.path, options);
    CHECK(result.certified);
    CHECK(result.bound <= epsilon);
  }
}

TEST_CASE("by class: every class must pass, and the bound of each is told") {
  const ExitScores scores = random_scores(9000, 3, 5);
  TestingRows testing{scores, all_rows(scores)};
  testing.by_class.resize(3);
  for (const std::uint32_t row : testing.rows)
    testing.by_class[static_cast<std::size_t>(scores.labels[row])].push_back(row);
  const CertifyOptions options{Risk::drop, 0.03, 0.1};
  const auto path = common_threshold_path(scores, {}, testing.rows.size(), options).path;
  const CertifyResult all = certify_path({scores, testing.rows}, path, options),
                      each = certify_path(testing, path, options);
  REQUIRE(each.certified);
  CHECK(each.thresholds[0] > all.thresholds[0]);
  REQUIRE(each.class_bounds.size() == 3);
  for (std::size_t k = 0; k < 3; ++k) {
    CHECK(each.class_bounds[k] <= 0.03);
    const CertifyResult alone = certify_path({scores, testing.by_class[k]}, path, options);
    CHECK(alone.thresholds[0] <= each.thresholds[0]);
  }
  CHECK(all.class_bounds.empty());
}

TEST_CASE("rows without labels certify disagreement with the others") {
  const ExitScores scores = random_scores(800, 3, 5);
  ExitScores more = random_scores(20000, 3, 6);
  std::fill(more.labels.begin(), more.labels.end(), -1);
  const CertifyOptions options{Risk::disagreement, 0.03, 0.01};
  const auto path = common_threshold_path(scores, {}, 800, options).path;
  const CertifyResult few = certify_path({scores, all_rows(scores)}, path, options),
                      many = certify_path({scores, all_rows(scores), &more}, path, options);
  REQUIRE(many.certified);
  CHECK(many.unlabelled == 20000);
  CHECK(many.thresholds[0] < few.thresholds[0]);
  const CertifyOptions drop{Risk::drop, 0.03, 0.01};
  CHECK(certify_path({scores, all_rows(scores), &more}, path, drop).certified);
}

TEST_CASE("options out of range and too few rows are refused") {
  const ExitScores scores = random_scores(229, 2, 9);
  CHECK_THROWS_WITH_AS(
      certify(scores, {Risk::disagreement, 0.01, 0.1}),
      "certify: epsilon 0.010000 at delta 0.100000: expected at least 230 rows, got 229", Error);
  CHECK_FALSE(certify(scores, {Risk::drop, 0.01, 0.1}).certified);  // exits might be better
  CHECK_THROWS_AS(certify(scores, {Risk::exit_error, 0.015, 0.1}),
                  Error);  // of 229 rows, 138 are left to test, not 153
  CHECK_NOTHROW(certify(scores, {Risk::exit_error, 0.02, 0.1}));
  CHECK_THROWS_AS(certify(scores, {}, {Risk::drop, 0, 0.1}), Error);
  CHECK_THROWS_WITH_AS(certify(scores, {Risk::drop, -0.1, 0.1}),
                       "certify: epsilon: expected 0 or more and below 1, got -0.100000", Error);
  CHECK_THROWS_AS(certify(scores, {Risk::drop, std::nan(""), 0.1}), Error);
  CHECK_THROWS_AS(certify(scores, {Risk::drop, 0.01, 0}), Error);
  CHECK_THROWS_AS(certify(scores, {Risk::drop, 0.01, 0.6}), Error);
}
