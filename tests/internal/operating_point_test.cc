#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "operating_point.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "random_scores.h"
#include "sidenet/error.h"

using namespace sidenet;

namespace {

/// Four rows, two exits and final.
ExitScores small() {
  ExitScores scores;
  scores.names = {"a", "b", "final"};
  scores.confidence = {{0.9f, 0.5f, 0.2f, 0.9f}, {1.0f, 0.75f, 0.6f, 1.0f}, {1, 1, 1, 1}};
  scores.prediction = {{0, 1, 0, 1}, {0, 1, 2, 0}, {0, 1, 1, 0}};
  scores.labels = {0, 1, 2, 0};
  scores.segment_compute = {0.25, 0.25, 0.5};
  scores.head_compute = {0.02, 0.04, 0};
  return scores;
}

/// The rule, row by row.
OperatingPoint by_hand(const ExitScores& scores, const std::vector<double>& thresholds) {
  OperatingPoint point;
  point.rows.assign(scores.exits(), 0);
  double cost = 0, weights = 0;
  for (std::size_t row = 0; row < scores.rows(); ++row) {
    const double weight = scores.weight.empty() ? 1 : static_cast<double>(scores.weight[row]);
    weights += weight;
    for (std::size_t k = 0; k < scores.exits(); ++k) {
      cost += weight * scores.segment_compute[k];
      if (k + 1 < scores.exits()) {
        if (thresholds[k] > 1) continue;
        cost += weight * scores.head_compute[k];
        if (static_cast<double>(scores.confidence[k][row]) < thresholds[k]) continue;
      }
      ++point.rows[k];
      point.accuracy += scores.prediction[k][row] == scores.labels[row] ? 1 : 0;
      point.agreement += scores.prediction[k][row] == scores.prediction.back()[row] ? 1 : 0;
      break;
    }
  }
  point.accuracy /= static_cast<double>(scores.rows());
  point.agreement /= static_cast<double>(scores.rows());
  point.compute = cost / weights;
  return point;
}

}  // namespace

TEST_CASE(
    "a row leaves at the first exit whose threshold it reaches, and pays for the heads that it "
    "meets") {
  const OperatingPoint point = operate(small(), std::vector<double>{0.9, 0.75});
  // 0.9f is below 0.9: rows 0, 1 and 3 leave at b, row 2 goes on.
  CHECK(point.rows == std::vector<std::int64_t>{0, 3, 1});
  CHECK(point.accuracy == doctest::Approx(0.75));
  CHECK(point.agreement == doctest::Approx(1));
  CHECK(point.compute == doctest::Approx((3 * 0.56 + 1.06) / 4));
  CHECK(std::isnan(point.ms));
}

TEST_CASE("a shut exit costs nothing, and all shut is MainNet") {
  const OperatingPoint one = operate(small(), std::vector<double>{kShut, 0.7});
  CHECK(one.rows == std::vector<std::int64_t>{0, 3, 1});
  CHECK(one.compute == doctest::Approx((3 * 0.54 + 1.04) / 4));
  const OperatingPoint none = operate(small(), std::vector<double>{kShut, 1.0001});
  CHECK(none.compute == 1);
  CHECK(none.agreement == 1);
  CHECK(none.rows == std::vector<std::int64_t>{0, 0, 4});
}

TEST_CASE("weights scale a row's cost, time is the mean of a row") {
  ExitScores scores = small();
  scores.weight = {2, 1, 0.5f, 0.5f};
  scores.segment_ms = {1, 1, 2};
  scores.head_ms = {0.1, 0.2, 0};
  const OperatingPoint point = operate(scores, std::vector<double>{0.5, kShut});  // row 2 goes on
  CHECK(point.compute == doctest::Approx((3.5 * 0.27 + 0.5 * 1.02) / 4));
  CHECK(point.ms == doctest::Approx((3.5 * 1.1 + 0.5 * 4.1) / 4));
}

TEST_CASE("a subset, with rows given twice") {
  const std::vector<std::uint32_t> rows{2, 2, 0};
  const OperatingPoint point = operate(small(), std::vector<double>{0.5, 0.5}, rows);
  CHECK(point.rows == std::vector<std::int64_t>{1, 2, 0});
  CHECK(point.agreement == doctest::Approx(1.0 / 3));
  CHECK(point.accuracy == doctest::Approx(1));
}

TEST_CASE("the same as row by row, with weights") {
  ExitScores scores = random_scores(500, 4, 3);
  Random random(8);
  for (std::size_t i = 0; i < scores.rows(); ++i)
    scores.weight.push_back(static_cast<float>(0.1 + random.uniform()));
  for (int trial = 0; trial < 50; ++trial) {
    std::vector<double> thresholds;
    for (int k = 0; k < 4; ++k) thresholds.push_back(0.6 + 0.6 * random.uniform());
    const OperatingPoint point = operate(scores, thresholds),
                         expected = by_hand(scores, thresholds);
    CHECK(point.rows == expected.rows);
    CHECK(point.accuracy == doctest::Approx(expected.accuracy));
    CHECK(point.agreement == doctest::Approx(expected.agreement));
    CHECK(point.compute == doctest::Approx(expected.compute));
  }
}

TEST_CASE("what does not fit is refused") {
  ExitScores scores = small();
  CHECK_NOTHROW(check_scores(scores));
  CHECK_THROWS_WITH_AS(operate(scores, std::vector<double>{0.5}),
                       "exit scores: thresholds: expected 2, got 1", Error);
  CHECK_THROWS_WITH_AS(operate(scores, std::vector<double>{0.5, std::nan("")}),
                       "exit scores: threshold of b: expected a number, got NaN", Error);
  CHECK_THROWS_WITH_AS(operate(scores, std::vector<double>{0.5, 0.5}, {}),
                       "exit scores: expected rows, got none", Error);
  scores.confidence[1][2] = 1.5f;
  CHECK_THROWS_WITH_AS(check_scores(scores),
                       "exit scores: confidence of b[2]: expected 0 to 1, got 1.500000", Error);
  scores.confidence[1][2] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_AS(check_scores(scores), Error);
  scores = small();
  scores.prediction[2].pop_back();
  CHECK_THROWS_WITH_AS(check_scores(scores), "exit scores: predictions of final: expected 4, got 3",
                       Error);
  scores = small();
  scores.weight = {1, 1, 1, -1};
  CHECK_THROWS_AS(check_scores(scores), Error);
  scores = small();
  scores.head_ms = {0, 0, 0};
  CHECK_THROWS_WITH_AS(check_scores(scores), "exit scores: segments' ms: expected 3, got 0", Error);
}
