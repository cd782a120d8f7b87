#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "failure_metrics.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "random.h"
#include "sidenet/error.h"

using namespace sidenet;

namespace {

struct Rows {
  std::vector<float> confidence;
  std::vector<std::uint8_t> right;
};

/// The data of the goldens: 60 rows, three of each confidence 0.05, 0.10, … 1.
Rows patterned() {
  Rows rows;
  for (int i = 0; i < 60; ++i) {
    const double confidence = (i * 37 % 20 + 1) / 20.0;
    rows.confidence.push_back(static_cast<float>(confidence));
    rows.right.push_back(i * 11 % 7 < 7 * confidence);
  }
  return rows;
}

}  // namespace

// scikit-learn 1.9: roc_auc_score(right, confidence) = 0.9097222222; numpy 2 for the others, ECE by
// bincount of ceil(15 confidence) - 1.
TEST_CASE("scores are scikit-learn's and numpy's") {
  const auto [confidence, right] = patterned();
  const TopLabelScores scores = top_label_scores(confidence, right);
  CHECK(scores.rows == 60);
  CHECK(scores.auroc == doctest::Approx(0.9097222222).epsilon(1e-9));
  CHECK(scores.nll == doctest::Approx(0.4247508028).epsilon(1e-6));
  CHECK(scores.brier == doctest::Approx(0.1320833333).epsilon(1e-6));
  CHECK(scores.ece == doctest::Approx(0.1833333333).epsilon(1e-6));
  CHECK(scores.confidence == doctest::Approx(0.525).epsilon(1e-6));
}

TEST_CASE("AUROC: perfect, reversed, all tied, half tied, one class missing") {
  const std::vector<std::uint8_t> right{0, 0, 1, 1};
  CHECK(auroc(std::vector<float>{0.1f, 0.2f, 0.8f, 0.9f}, right) == 1);
  CHECK(auroc(std::vector<float>{0.9f, 0.8f, 0.2f, 0.1f}, right) == 0);
  CHECK(auroc(std::vector<float>{0.5f, 0.5f, 0.5f, 0.5f}, right) == 0.5);
  CHECK(auroc(std::vector<float>{0.1f, 0.5f, 0.5f, 0.9f}, right) == 0.875);
  CHECK(std::isnan(auroc(std::vector<float>{0.1f, 0.2f}, std::vector<std::uint8_t>{1, 1})));
  CHECK(std::isnan(auroc(std::vector<float>{0.1f, 0.2f}, std::vector<std::uint8_t>{0, 0})));
  CHECK(std::isnan(auroc({}, {})));
}

TEST_CASE("the bins of the reliability diagram are those of the ECE") {
  Rows rows;
  Random random(11);
  for (int i = 0; i < 3000; ++i) {
    // Half of them on the edges of bins.
    const double confidence = i % 2 ? random.uniform() : static_cast<double>(random.below(16)) / 15;
    rows.confidence.push_back(static_cast<float>(confidence));
    rows.right.push_back(random.uniform() < 0.8 * confidence);
  }
  const auto bins = reliability(rows.confidence, rows.right);
  CalibrationBins reference;
  for (std::size_t i = 0; i < 3000; ++i)
    reference.add(static_cast<double>(rows.confidence[i]), rows.right[i] != 0);
  double ece = 0;
  std::int64_t count = 0;
  for (const ReliabilityBin& bin : bins) {
    count += bin.rows;
    if (bin.rows > 0)
      ece += static_cast<double>(bin.rows) / 3000 * std::abs(bin.accuracy - bin.confidence);
  }
  CHECK(count == 3000);
  CHECK(ece == doctest::Approx(reference.ece()).epsilon(1e-9));
}

TEST_CASE("an empty bin has no means, and a bin's upper edge is its own") {
  const auto bins =
      reliability(std::vector<float>{0, 0.2f, 1, 1}, std::vector<std::uint8_t>{0, 1, 1, 0});
  CHECK(bins[0].rows == 1);
  CHECK(bins[3].rows == 1);  // the float 0.2 is just above 3/15
  CHECK(bins[14].rows == 2);
  CHECK(bins[14].accuracy == 0.5);
  CHECK(bins[14].confidence == 1);
  CHECK(bins[1].rows == 0);
  CHECK(std::isnan(bins[1].accuracy));
  CHECK(std::isnan(bins[1].confidence));
}

TEST_CASE(
    "a wrong answer at confidence 1 costs 24 bits, not infinitely many; no rows have no scores") {
  const TopLabelScores one = top_label_scores(std::vector<float>{1}, std::vector<std::uint8_t>{0});
  CHECK(one.nll == doctest::Approx(24 * std::log(2.0)));
  CHECK(one.brier == 1);
  CHECK(one.ece == 1);
  const TopLabelScores none = top_label_scores({}, {});
  CHECK(none.rows == 0);
  for (const double score :
       {none.accuracy, none.confidence, none.ece, none.nll, none.brier, none.auroc}) {
    CHECK(std::isnan(score));
  }
}

TEST_CASE(
    "the floor of the ECE is what true confidences get, and falls as one over the root of the "
    "rows") {
  // One bin of n rows at 1/2: the mean of |binomial(n, 1/2) / n - 1/2| tends to sqrt(1 / (2 pi n)),
  // its 95 % quantile to 1.96 / (2 sqrt(n)).
  for (const std::size_t rows : {100u, 2500u}) {
    const EceFloor floor = ece_floor(std::vector<float>(rows, 0.5f), 2000, 1);
    const double n = static_cast<double>(rows), pi = 3.14159265358979;
    CHECK(floor.mean == doctest::Approx(std::sqrt(1 / (2 * pi * n))).epsilon(0.05));
    CHECK(floor.quantile95 == doctest::Approx(0.98 / std::sqrt(n)).epsilon(0.08));
  }
  CHECK(ece_floor(std::vector<float>(10, 1.0f), 5, 1).mean == 0);
  CHECK(ece_floor(std::vector<float>(9, 0.3f), 5, 1).mean ==
        ece_floor(std::vector<float>(9, 0.3f), 5, 1).mean);
  CHECK(std::isnan(ece_floor({}, 5, 1).mean));
  CHECK_THROWS_AS(ece_floor(std::vector<float>(9, 0.3f), 0, 1), Error);
}

TEST_CASE("overthinking counts who was right") {
  const std::vector<int> exit{0, 0, 1, 1, 2}, mainnet{0, 1, 0, 0, 2}, labels{0, 0, 0, 1, 1};
  const Overthinking counts = overthinking(exit, mainnet, labels);
  CHECK(counts.both_right == 1);
  CHECK(counts.exit_only == 2);
  CHECK(counts.mainnet_only == 1);
  CHECK(counts.both_wrong == 1);
  CHECK_THROWS_AS(overthinking(std::vector<int>{0}, mainnet, labels), Error);
}

TEST_CASE("what is no confidence is refused with its row") {
  const std::vector<std::uint8_t> right{1, 0};
  CHECK_THROWS_WITH_AS(auroc(std::vector<float>{0.5f}, right),
                       "metrics: 1 confidences for 2 answers", Error);
  CHECK_THROWS_WITH_AS(top_label_scores(std::vector<float>{0.5f, 1.5f}, right),
                       "metrics: confidence of row 1: expected 0 to 1, got 1.500000", Error);
  CHECK_THROWS_AS(
      reliability(std::vector<float>{std::numeric_limits<float>::quiet_NaN(), 1}, right), Error);
  CHECK_THROWS_AS(ece_floor(std::vector<float>{-0.1f}, 5, 1), Error);
}
