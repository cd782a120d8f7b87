#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "threshold_search.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "random_scores.h"
#include "sidenet/error.h"
#include "threshold_descent.h"

using namespace sidenet;

namespace {

ThresholdDescent::Costs costs_of(const ExitScores& scores) {
  return {scores.segment_compute, scores.head_compute};
}

}  // namespace

TEST_CASE("the grid falls from 1 to 0.3 and is finest near 1") {
  const std::vector<double> grid = threshold_grid();
  CHECK(grid.front() == 1);
  CHECK(grid.back() == doctest::Approx(0.3).epsilon(0.01));
  CHECK(std::is_sorted(grid.rbegin(), grid.rend()));
  CHECK(std::adjacent_find(grid.begin(), grid.end()) == grid.end());
  CHECK(std::count_if(grid.begin(), grid.end(), [](double t) { return t > 0.95; }) > 60);
}

TEST_CASE("the uniform curve starts at MainNet and takes every threshold of the grid") {
  const ExitScores scores = random_scores(400, 3, 1);
  const auto curve = uniform_curve(scores, all_rows(scores));
  REQUIRE(curve.size() == threshold_grid().size() + 1);
  CHECK(curve.front().compute == 1);
  for (std::size_t i = 1; i < curve.size(); ++i) {
    CHECK(curve[i].thresholds == std::vector<double>(3, threshold_grid()[i - 1]));
    if (i > 1) CHECK(curve[i].compute <= curve[i - 1].compute);
  }
}

TEST_CASE("one exit's threshold is the best of all that tell its rows apart") {
  const ExitScores scores = random_scores(300, 1, 2);
  ThresholdDescent descent(scores, all_rows(scores), costs_of(scores), true);
  for (const double price : {0.01, 0.05, 0.2, 1.0}) {
    std::vector<double> thresholds{0.8};
    const double found = descent.descend(thresholds, price);
    const auto value = [&](double threshold) {
      const auto means = descent.evaluate(std::vector<double>{threshold});
      return means.loss + price * means.cost;
    };
    double least = value(kShut);
    for (const float confidence : scores.confidence[0])
      least = std::min(least, value(static_cast<double>(confidence)));
    CHECK(found == doctest::Approx(least).epsilon(1e-9));
    CHECK(value(thresholds[0]) == doctest::Approx(found));
  }
}

TEST_CASE("no change of one threshold betters what descent ends with") {
  const ExitScores scores = random_scores(250, 3, 4);
  ThresholdDescent descent(scores, all_rows(scores), costs_of(scores), false);
  const double price = 0.1;
  std::vector<double> thresholds(3, 0.9);
  const double found = descent.descend(thresholds, price);
  for (std::size_t k = 0; k < 3; ++k) {
    for (std::size_t row = 0; row <= scores.rows(); ++row) {
      std::vector<double> changed = thresholds;
      changed[k] = row == scores.rows() ? kShut : static_cast<double>(scores.confidence[k][row]);
      const auto means = descent.evaluate(changed);
      CHECK(means.loss + price * means.cost >= found - 1e-9);
    }
  }
}

TEST_CASE(
    "the joint curve is a front that holds or beats every uniform point, and is the same again") {
  const ExitScores scores = random_scores(1500, 4, 5);
  const auto rows = all_rows(scores);
  for (const auto quality : {SearchOptions::Quality::accuracy, SearchOptions::Quality::agreement}) {
    const auto curve = joint_curve(scores, rows, {.quality = quality, .seed = 3});
    const auto value = [&](const OperatingPoint& point) {
      return quality == SearchOptions::Quality::accuracy ? point.accuracy : point.agreement;
    };
    for (std::size_t i = 1; i < curve.size(); ++i) {
      CHECK(curve[i].compute < curve[i - 1].compute);
      CHECK(value(curve[i]) < value(curve[i - 1]));
    }
    for (const OperatingPoint& uniform : uniform_curve(scores, rows)) {
      CHECK(std::any_of(curve.begin(), curve.end(), [&](const OperatingPoint& point) {
        return point.compute <= uniform.compute && value(point) >= value(uniform);
      }));
    }
    const auto again = joint_curve(scores, rows, {.quality = quality, .seed = 3});
    REQUIRE(again.size() == curve.size());
    for (std::size_t i = 0; i < curve.size(); ++i)
      CHECK(again[i].thresholds == curve[i].thresholds);
  }
}

TEST_CASE("an exit that only costs is shut, and a blind one is too") {
  ExitScores scores = random_scores(2000, 3, 6);
  scores.head_compute[1] = 0.3;  // more than the segment that it could save
  for (std::size_t row = 0; row < scores.rows(); ++row) scores.prediction[0][row] = 7;
  const auto rows = all_rows(scores);
  const auto curve = joint_curve(scores, rows);
  const auto uniform = uniform_curve(scores, rows);
  // The cheapest point that loses at most 2 points.
  const auto cheapest = [&](const std::vector<OperatingPoint>& points) {
    const OperatingPoint* best = nullptr;
    for (const OperatingPoint& point : points) {
      if (point.accuracy >= uniform.front().accuracy - 0.02 &&
          (!best || point.compute < best->compute))
        best = &point;
    }
    REQUIRE(best);
    return *best;
  };
  CHECK(cheapest(curve).thresholds[0] > 1);
  CHECK(cheapest(curve).thresholds[1] > 1);
  CHECK(cheapest(curve).thresholds[2] <= 1);
  CHECK(cheapest(curve).compute < cheapest(uniform).compute - 0.05);
}

TEST_CASE("on rows that it has not seen the joint curve loses no more than the uniform one") {
  const ExitScores scores = random_scores(12000, 4, 7);
  const auto rows = all_rows(scores);
  const std::span<const std::uint32_t> tuning = std::span(rows).first(2000),
                                       others = std::span(rows).subspan(2000);
  const double mainnet = operate(scores, std::vector<double>(4, kShut), others).accuracy;
  const auto saved =
      [&](const std::vector<OperatingPoint>& curve) {  // at most a point lost on the others
        double best = 0;
        for (const OperatingPoint& point : curve) {
          const OperatingPoint there = operate(scores, point.thresholds, others);
          if (there.accuracy >= mainnet - 0.01) best = std::max(best, 1 - there.compute);
        }
        return best;
      };
  const double joint = saved(joint_curve(scores, tuning)),
               uniform = saved(uniform_curve(scores, tuning));
  MESSAGE("saved on other rows at a point lost: joint " << joint << ", uniform " << uniform);
  CHECK(joint > uniform - 0.02);
}

TEST_CASE("ties, one row, no rows, no times") {
  ExitScores scores = random_scores(200, 2, 8);
  for (auto& confidence : scores.confidence) std::fill(confidence.begin(), confidence.end(), 0.75f);
  for (const OperatingPoint& point : joint_curve(scores, all_rows(scores))) {
    CHECK((point.rows[0] == 0 || point.rows[0] == 200));
  }
  CHECK_FALSE(joint_curve(scores, std::vector<std::uint32_t>{5}).empty());
  CHECK_THROWS_WITH_AS(joint_curve(scores, {}), "exit scores: expected rows, got none", Error);
  CHECK_THROWS_WITH_AS(joint_curve(scores, all_rows(scores), {.cost = SearchOptions::Cost::ms}),
                       "thresholds: cost in ms: expected timed exits, got none", Error);
}

TEST_CASE("cost in ms shuts the exits that take too long") {
  ExitScores scores = random_scores(2000, 2, 9);
  scores.segment_ms = {1, 1, 1};
  scores.head_ms = {1.5, 0.01, 0};
  const auto curve = joint_curve(scores, all_rows(scores), {.cost = SearchOptions::Cost::ms});
  for (std::size_t i = 1; i < curve.size(); ++i) CHECK(curve[i].ms < curve[i - 1].ms);
  const auto half = std::find_if(curve.begin(), curve.end(),
                                 [](const OperatingPoint& point) { return point.ms < 2.6; });
  REQUIRE(half != curve.end());
  CHECK(half->thresholds[0] > 1);
}
