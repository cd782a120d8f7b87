#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "metrics.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "random.h"
#include "sidenet/error.h"

using namespace sidenet;

TEST_CASE("softmax sums to one, takes large logits and gives log-sum-exp") {
  const float logits[] = {1000, 1001, 998};
  float p[3];
  const double log_sum = softmax(logits, 3, 1, p);
  CHECK(p[0] + p[1] + p[2] == doctest::Approx(1));
  CHECK(p[1] == doctest::Approx(1 / (1 + std::exp(-1.0) + std::exp(-3.0))));
  CHECK(logits[0] - log_sum == doctest::Approx(std::log(p[0])).epsilon(1e-6));
}

TEST_CASE("softmax with a temperature divides the logits, also in place") {
  const float logits[] = {2, 4}, halved[] = {1, 2};
  float a[2] = {2, 4}, b[2];
  softmax(a, 2, 2, a);
  softmax(halved, 2, 1, b);
  CHECK(a[0] == doctest::Approx(b[0]));
  CHECK(a[1] == doctest::Approx(b[1]));
  CHECK(softmax(logits, 2, 2, b) == doctest::Approx(std::log(std::exp(1.0) + std::exp(2.0))));
}

TEST_CASE("argmax takes the first of equals") {
  const float values[] = {1, 3, 3, 2};
  CHECK(argmax(values, 4) == 1);
}

TEST_CASE("accuracy, NLL and Brier score by hand") {
  // Probabilities (0.5, 0.5) and (0.75, 0.25).
  const Tensor logits = Tensor::from({2, 2}, {0, 0, std::log(3.0f), 0});
  CHECK(accuracy(logits, {0, 1}) == doctest::Approx(0.5));
  CHECK(negative_log_likelihood(logits, {0, 1}, 1) ==
        doctest::Approx((std::log(2.0) + std::log(4.0)) / 2));
  CHECK(brier_score(logits, {0, 1}, 1) == doctest::Approx((0.5 + 1.125) / 2));
  CHECK(std::isnan(accuracy(Tensor(DType::f32, {0, 2}), {})));
}

TEST_CASE("labels that do not fit are refused with the row") {
  const Tensor logits(DType::f32, {2, 3});
  CHECK_THROWS_WITH_AS(accuracy(logits, {0, 3}), "metrics: row 1 has label 3, expected 0 to 2",
                       Error);
  CHECK_THROWS_AS(accuracy(logits, {0}), Error);
}

TEST_CASE("ECE: one bin by hand, edges belong to the bin below, perfect calibration gives 0") {
  CalibrationBins one;
  for (int i = 0; i < 10; ++i) one.add(0.95, i < 6);
  CHECK(one.ece() == doctest::Approx(0.35));

  // 1/3 is the upper edge of bin 5 of 15; 0.34 lies in bin 6, so their errors do not cancel.
  CalibrationBins edges;
  edges.add(1.0 / 3, true);
  edges.add(0.34, false);
  CHECK(edges.ece() == doctest::Approx((2.0 / 3 + 0.34) / 2));

  CalibrationBins calibrated;
  for (int i = 0; i < 10; ++i) calibrated.add(0.8, i < 8);
  CHECK(calibrated.ece() == doctest::Approx(0).epsilon(1e-9));

  CalibrationBins extremes;
  extremes.add(0, false);
  extremes.add(1, true);
  CHECK(extremes.ece() == doctest::Approx(0));
  CHECK(std::isnan(CalibrationBins().ece()));
}

TEST_CASE("ECE of logits falls to 0 at the temperature that they were sampled with") {
  constexpr int rows = 20000, classes = 4;
  Tensor logits(DType::f32, {rows, classes});
  std::vector<int> labels;
  Random random(7);
  float p[classes];
  for (int row = 0; row < rows; ++row) {
    float* z = logits.mutable_data<float>() + row * classes;
    for (int c = 0; c < classes; ++c) z[c] = static_cast<float>(6 * random.uniform());
    softmax(z, classes, 2, p);
    double u = random.uniform();
    int label = 0;
    while (label + 1 < classes && u >= static_cast<double>(p[label]))
      u -= static_cast<double>(p[label++]);
    labels.push_back(label);
  }
  CHECK(expected_calibration_error(logits, labels, 2) < 0.02);
  CHECK(expected_calibration_error(logits, labels, 1) > 0.1);
  CHECK(negative_log_likelihood(logits, labels, 2) < negative_log_likelihood(logits, labels, 1));
}
