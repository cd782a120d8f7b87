#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "calibrator.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "failure_metrics.h"
#include "random.h"
#include "sidenet/error.h"

using namespace sidenet;

namespace {

std::vector<std::uint32_t> every(std::uint32_t step, std::uint32_t rows) {
  std::vector<std::uint32_t> result;
  for (std::uint32_t row = 0; row < rows; row += step) result.push_back(row);
  return result;
}

struct Sample {
  Tensor logits;
  std::vector<int> labels;
};

/// The data of the golden temperatures.
Sample patterned(int rows, int classes) {
  Sample sample{Tensor(DType::f32, {rows, classes}), {}};
  float* z = sample.logits.mutable_data<float>();
  for (int i = 0; i < rows; ++i, z += classes) {
    for (int c = 0; c < classes; ++c)
      z[c] = static_cast<float>((i * 7 + c * 13 + i * c * 5) % 23) / 4;
    sample.labels.push_back(i % 3 == 0 ? i % classes
                                       : static_cast<int>(std::max_element(z, z + classes) - z));
  }
  return sample;
}

/// Labels drawn from softmax(logits / temperature).
Sample drawn(int rows, int classes, double temperature, std::uint64_t seed) {
  Sample sample{Tensor(DType::f32, {rows, classes}), {}};
  Random random(seed);
  std::vector<float> p(static_cast<std::size_t>(classes));
  float* z = sample.logits.mutable_data<float>();
  for (int i = 0; i < rows; ++i, z += classes) {
    for (int c = 0; c < classes; ++c) z[c] = static_cast<float>(9 * random.uniform());
    softmax(z, classes, temperature, p.data());
    double u = random.uniform();
    int label = 0;
    while (label + 1 < classes && u >= static_cast<double>(p[static_cast<std::size_t>(label)])) {
      u -= static_cast<double>(p[static_cast<std::size_t>(label++)]);
    }
    sample.labels.push_back(label);
  }
  return sample;
}

/// Confidences spread over 0 to 1; right as often as chance(confidence) says.
template <typename Chance>
std::vector<JudgedRow> judged(int rows, std::uint64_t seed, const Chance& chance) {
  std::vector<JudgedRow> result;
  Random random(seed);
  for (int i = 0; i < rows; ++i) {
    const double confidence = random.uniform();
    const bool right = random.uniform() < chance(confidence);
    result.push_back({static_cast<float>(confidence), right, i % kCalibrationFolds});
  }
  return result;
}

/// The data of the golden maps.
std::vector<JudgedRow> patterned_confidences() {
  std::vector<JudgedRow> rows;
  for (int i = 0; i < 1000; ++i) {
    const float c = (static_cast<float>(i * 617 % 1000) + 0.5f) / 1000;
    rows.push_back(
        {c, i * 389 % 101 < 90 * std::pow(static_cast<double>(c), 3), i % kCalibrationFolds});
  }
  return rows;
}

std::vector<std::uint8_t> right_of(const Sample& sample) {
  std::vector<std::uint8_t> right;
  const std::int64_t classes = sample.logits.dim(1);
  const float* z = sample.logits.data<float>();
  for (std::size_t i = 0; i < sample.labels.size(); ++i, z += classes)
    right.push_back(argmax(z, classes) == sample.labels[i]);
  return right;
}

constexpr float kAt[] = {0.05f, 0.3f, 0.6f, 0.9f, 0.99f, 0.999f};

}  // namespace

// scipy 1.17: over b = 1 / T, minimize_scalar of logsumexp(b z).sum() - b z[label].sum() + 3 (b
// prior - log(b prior)).
TEST_CASE("the temperature is scipy's, over all rows, over some, and with a prior") {
  const Sample sample = patterned(300, 4);
  CHECK(fit_temperature(sample.logits, sample.labels, every(1, 300), 1) ==
        doctest::Approx(1.46026202).epsilon(1e-6));
  CHECK(fit_temperature(sample.logits, sample.labels, every(5, 300), 2.5) ==
        doctest::Approx(1.83638533).epsilon(1e-6));
  CHECK(fit_temperature(sample.logits, sample.labels, {}, 2.5) == doctest::Approx(2.5));
}

TEST_CASE(
    "a temperature is found where rows are all right, all wrong, or their logits are all the "
    "same") {
  for (const int label : {0, 1}) {
    const Tensor logits = Tensor::from({3, 2}, {9, 0, 8, 0, 7, 0});
    const double temperature = fit_temperature(logits, {label, label, label}, every(1, 3), 1);
    CHECK(temperature > 1e-2);
    CHECK(temperature < 1e2);
    CHECK((temperature < 1) == (label == 0));
  }
  CHECK(fit_temperature(Tensor(DType::f32, {4, 3}), {0, 1, 2, 0}, every(1, 4), 2) ==
        doctest::Approx(2));
  CHECK(fit_temperature(Tensor::from({2, 1}, {5, 6}), {0, 0}, every(1, 2), 1) ==
        doctest::Approx(1));
  const Tensor huge = Tensor::from({2, 2}, {3e38f, -3e38f, 3e38f, -3e38f});
  CHECK(std::isfinite(fit_temperature(huge, {0, 1}, every(1, 2), 1)));
}

// scipy 1.17: minimize of log loss + 5 ((a - 1)^2 + b^2) over logit(1e-6 + (1 - 2e-6) c); a =
// 0.7919766, b = -1.77481273.
TEST_CASE("the sigmoid's map is scipy's curve") {
  const ConfidenceMap map = fit_confidence_map(ConfidenceFit::sigmoid, patterned_confidences());
  const double expected[] = {0.01619501, 0.07974247, 0.18943363,
                             0.49133354, 0.86580158, 0.97574041};
  for (int i = 0; i < 6; ++i) {
    const double mapped = static_cast<double>(map(kAt[i]));
    CHECK(std::abs(mapped - expected[i]) < 0.004);
    CHECK(1 - mapped == doctest::Approx(1 - expected[i]).epsilon(0.03));
  }
}

// scikit-learn 1.9: IsotonicRegression().fit_transform of ten bins' (right + 100 mean sigmoid) /
// 200, which pools bins 7 to
// 9. numpy.interp through (0, 0), the pooled bins' mean confidences, and (1, (1 + last) / 2).
TEST_CASE("the isotonic map is scikit-learn's, drawn towards the sigmoid") {
  const ConfidenceMap map = fit_confidence_map(ConfidenceFit::isotonic, patterned_confidences());
  CHECK(map.x().size() == 10);
  const double expected[] = {0.0128924, 0.05766427, 0.22120142, 0.5842438, 0.80630702, 0.83536096};
  for (int i = 0; i < 6; ++i)
    CHECK(static_cast<double>(map(kAt[i])) == doctest::Approx(expected[i]).epsilon(0.01));
}

TEST_CASE("maps are valid for whatever rows there are") {
  const std::vector<JudgedRow> hard[] = {
      {{0.5f, true, 0}},
      {{1.0f, false, 0}},
      {{0.9f, false, 0}, {0.1f, true, 1}},
      std::vector<JudgedRow>(500, {1.0f, true, 2}),
      std::vector<JudgedRow>(500, {0.0f, false, 2}),
      std::vector<JudgedRow>(500, {0.7f, false, 2}),
      judged(3000, 1, [](double c) { return 1 - c; }),  // the surer, the more often wrong
      judged(3000, 2, [](double) { return 1; }),
      judged(3000, 3, [](double c) { return c > 0.999 ? 0 : 1; }),
  };
  for (const auto& rows : hard) {
    for (const ConfidenceFit fit : {ConfidenceFit::sigmoid, ConfidenceFit::isotonic}) {
      const ConfidenceMap map = fit_confidence_map(fit, rows);
      CHECK(map.x().size() >= 2);
      CHECK(map.y().front() >= 0);
    }
    CHECK_NOTHROW(choose_confidence_fit(rows));
  }
  CHECK(fit_confidence_map(ConfidenceFit::isotonic, {}).identity());
  CHECK(fit_confidence_map(ConfidenceFit::temperature, hard[0]).identity());
}

TEST_CASE("the surer, the more often wrong: the sigmoid still rises, around the right mean") {
  const auto rows = judged(3000, 1, [](double c) { return 0.9 - 0.4 * c; });
  const ConfidenceMap map = fit_confidence_map(ConfidenceFit::sigmoid, rows);
  double mean = 0;
  for (const JudgedRow& row : rows) mean += static_cast<double>(map(row.confidence)) / 3000;
  CHECK(mean == doctest::Approx(0.7).epsilon(0.03));
}

TEST_CASE(
    "the choice stays with the temperature where it is right, and moves on where it clearly is "
    "not") {
  int moved = 0;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    moved += choose_confidence_fit(judged(2000, seed, [](double c) { return c; })) !=
             ConfidenceFit::temperature;
  }
  CHECK(moved <= 4);  // by chance
  CHECK(choose_confidence_fit(judged(2000, 1, [](double c) {
          return c * c / (c * c + 2 * (1 - c) * (1 - c));
        })) == ConfidenceFit::sigmoid);
  CHECK(choose_confidence_fit(judged(6000, 1, [](double c) { return c < 0.5 ? 0.3 : 0.7; })) ==
        ConfidenceFit::isotonic);
  CHECK(choose_confidence_fit(judged(49, 1, [](double) { return 0.5; })) ==
        ConfidenceFit::temperature);
}

TEST_CASE(
    "a calibrated exit is as sure as it is often right, and ranks rows as its temperature does") {
  const Sample train = drawn(8000, 5, 3, 1), test = drawn(8000, 5, 3, 2);
  const Calibration calibration = fit_calibration(train.logits, train.labels, every(1, 8000));
  CHECK(calibration.temperature == doctest::Approx(3).epsilon(0.05));
  CHECK(calibration.rows == 8000);
  CHECK(calibration.fit == ConfidenceFit::temperature);
  const std::vector<std::uint8_t> right = right_of(test);
  CHECK(top_label_scores(calibrated_confidences(test.logits, calibration), right).ece < 0.02);
  CHECK(top_label_scores(calibrated_confidences(test.logits, {}), right).ece > 0.2);

  const Calibration plain =
      fit_calibration(train.logits, train.labels, every(1, 8000), {ConfidenceFit::temperature, 0});
  for (const ConfidenceFit fit : {ConfidenceFit::sigmoid, ConfidenceFit::isotonic}) {
    const Calibration mapped =
        fit_calibration(train.logits, train.labels, every(1, 8000), {fit, 0});
    CHECK(mapped.fit == fit);
    CHECK(mapped.temperature == plain.temperature);
    CHECK(auroc(calibrated_confidences(test.logits, mapped), right) ==
          doctest::Approx(auroc(calibrated_confidences(test.logits, plain), right)).epsilon(1e-4));
    CHECK(top_label_scores(calibrated_confidences(test.logits, mapped), right).ece < 0.02);
  }
}

TEST_CASE("no rows: the temperature of all") {
  const Sample sample = patterned(300, 4);
  const Calibration calibration = fit_calibration(sample.logits, sample.labels, {});
  CHECK(calibration.temperature == doctest::Approx(1.46026202).epsilon(1e-6));
  CHECK(calibration.map.identity());
  CHECK(calibration.rows == 0);
}

TEST_CASE(
    "each exit is fitted on the rows that reach it, which its forerunners' calibrated confidences "
    "decide") {
  const Sample first = drawn(4000, 3, 2, 5);
  Sample second = drawn(4000, 3, 1, 6);
  second.labels = first.labels;
  const std::vector<Tensor> logits{first.logits, second.logits, first.logits};
  const double thresholds[] = {0.8, 2, 0.1};
  const auto calibrations = fit_calibrations(logits, first.labels, thresholds);
  REQUIRE(calibrations.size() == 3);
  const std::vector<float> confidences = calibrated_confidences(logits[0], calibrations[0]);
  std::vector<std::uint32_t> unsure;
  for (std::uint32_t row = 0; row < 4000; ++row) {
    if (confidences[row] < 0.8f) unsure.push_back(row);
  }
  CHECK(calibrations[0].rows == 4000);
  CHECK(calibrations[1].rows == static_cast<std::int64_t>(unsure.size()));
  CHECK(calibrations[2].rows == calibrations[1].rows);  // the second exit is shut
  CHECK(unsure.size() > 500);
  CHECK(unsure.size() < 3500);
  const Calibration alone = fit_calibration(logits[1], first.labels, unsure);
  CHECK(calibrations[1].temperature == alone.temperature);
  CHECK(calibrations[1].map == alone.map);
  const auto reached = rows_that_reach(logits, calibrations, thresholds);
  CHECK(reached[0].size() == 4000);
  CHECK(reached[1] == unsure);
  CHECK(reached[2] == unsure);
}

TEST_CASE("a fit depends on rows, not on their order, and is the same each time") {
  const Sample sample = drawn(3000, 4, 0.6, 9);
  std::vector<std::uint32_t> rows = every(2, 3000), reversed(rows.rbegin(), rows.rend());
  for (const ConfidenceFit fit : {ConfidenceFit::automatic, ConfidenceFit::isotonic}) {
    const Calibration a = fit_calibration(sample.logits, sample.labels, rows, {fit, 4});
    const Calibration again = fit_calibration(sample.logits, sample.labels, rows, {fit, 4});
    const Calibration b = fit_calibration(sample.logits, sample.labels, reversed, {fit, 4});
    CHECK(a.temperature == again.temperature);
    CHECK(a.map == again.map);
    CHECK(a.temperature == doctest::Approx(b.temperature).epsilon(1e-9));
    CHECK(a.fit == b.fit);
    for (const float c : kAt) CHECK(a.map(c) == doctest::Approx(b.map(c)).epsilon(1e-5));
  }
}

TEST_CASE("what cannot be used is refused, with the row") {
  const Tensor logits = Tensor::from({2, 2}, {1, 2, 3, 4});
  const std::vector<std::uint32_t> rows{0, 1}, outside{0, 2};
  const auto refused = [](const Tensor& values, const std::vector<int>& labels,
                          const std::vector<std::uint32_t>& of, const char* message) {
    CHECK_THROWS_WITH_AS(fit_calibration(values, labels, of), message, Error);
  };
  refused(logits, {0}, rows, "calibration: logits of shape (2, 2) for 1 labels");
  refused(Tensor::from({4}, {1, 2, 3, 4}), {0, 1}, rows,
          "calibration: logits of shape (4) for 2 labels");
  refused(logits, {0, 2}, rows, "calibration: row 1 has label 2, expected 0 to 1");
  refused(logits, {0, -1}, rows, "calibration: row 1 has label -1, expected 0 to 1");
  refused(logits, {0, 1}, outside, "calibration: row 2: expected below 2");
  refused(Tensor::from({2, 2}, {1, 2, std::numeric_limits<float>::quiet_NaN(), 4}), {0, 1}, rows,
          "calibration: row 1: logit 0 is not finite");
  refused(Tensor::from({2, 2}, {1, std::numeric_limits<float>::infinity(), 3, 4}), {0, 1}, rows,
          "calibration: row 0: logit 1 is not finite");
  CHECK_THROWS_AS(fit_temperature(logits, {0, 1}, rows, std::nan("")), Error);
  const double one[] = {0.5};
  const std::vector<Tensor> exits{logits, logits};
  CHECK_THROWS_WITH_AS(fit_calibrations(exits, {0, 1}, one),
                       "calibration: expected one of the thresholds for each of 2 exits, got 1",
                       Error);
}
