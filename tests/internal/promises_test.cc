#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "promise_populations.h"
#include "random_model.h"
#include "random_scores.h"
#include "sidenet/error.h"
#include "sidenet/sidenet.h"
#include "threshold_search.h"

using namespace sidenet;
using sidenet::testing::Population;

namespace {

/// A model with as many exits as the populations have; what it would answer is not asked.
const Model& model() {
  static const Model made = [] {
    ModelData data = testing::describe(testing::random_cifar_resnet(1, 1, 4, 1, 3, false));
    data.preprocessing.resize = 16;
    testing::RandomWeights random(3);
    for (const char* name : {"layer1", "layer2"}) {
      const std::string scope = "exits." + std::string(name) + ".";
      const std::int64_t features = name[5] == '1' ? 4 : 8;
      data.weights[scope + "mean"] = random.tensor({features}, 0, 1);
      data.weights[scope + "std"] = random.tensor({features}, 1, 2);
      data.weights[scope + "fc1.weight"] = random.tensor({2, features}, -1, 1);
      data.weights[scope + "fc1.bias"] = random.tensor({2}, -1, 1);
      data.weights[scope + "fc2.weight"] = random.tensor({3, 2}, -1, 1);
      data.weights[scope + "fc2.bias"] = random.tensor({3}, -1, 1);
      data.exits.push_back(
          {.name = name, .tap = name, .pooling = {.grid = 1}, .hidden = 2, .threshold = 0.9});
    }
    return make_model(std::move(data));
  }();
  return made;
}

/// Logits whose softmax has the confidences and classes of random_scores; each row has a digest of
/// its own.
MeasuredExits measured(std::size_t rows, std::uint64_t seed) {
  const ExitScores scores = random_scores(rows, 2, seed);
  MeasuredExits result;
  result.names = {"layer1", "layer2", "final"};
  result.labels = scores.labels;
  result.segment_compute = scores.segment_compute;
  result.head_compute = scores.head_compute;
  result.segment_ms = result.head_ms = std::vector<double>(3, 1.0);
  for (std::uint32_t row = 0; row < rows; ++row) result.digests.push_back(row + 1);
  for (std::size_t exit = 0; exit < 3; ++exit) {
    Tensor logits(DType::f32, {static_cast<std::int64_t>(rows), 3});
    float* to = logits.mutable_data<float>();
    for (std::size_t row = 0; row < rows; ++row, to += 3) {
      const double confidence = std::min(0.9999, static_cast<double>(scores.confidence[exit][row]));
      for (int c = 0; c < 3; ++c) {
        const bool chosen = c == scores.prediction[exit][row];
        to[c] = static_cast<float>(std::log(chosen ? confidence : (1 - confidence) / 2));
      }
    }
    result.logits.push_back(std::move(logits));
  }
  return result;
}

/// The exit is sure and wrong on one row, which is a share of the traffic.
Population with_atom(double share) {
  MeasuredExits rows = measured(3000, 21);
  const float wrong[3] = {20, 0, 0}, right[3] = {0, 20, 0};
  rows.labels[0] = 1;
  std::copy_n(wrong, 3, rows.logits[0].mutable_data<float>());
  std::copy_n(wrong, 3, rows.logits[1].mutable_data<float>());
  std::copy_n(right, 3, rows.logits[2].mutable_data<float>());
  return {std::move(rows), testing::atom_weights(3000, 0, share)};
}

CalibrateOptions promise(Risk risk, double epsilon, double delta) {
  CalibrateOptions options;
  options.epsilon = epsilon;
  options.delta = delta;
  options.risk = risk;
  options.fit = ConfidenceFit::temperature;
  return options;
}

void check(const char* name, const Population& population, Risk risk, double epsilon, double delta,
           int draws, std::size_t unlabelled = 0, bool must_certify = true) {
  const testing::Outcome outcome = testing::try_promises(model(), population, 2000, unlabelled,
                                                         draws, promise(risk, epsilon, delta));
  const double allowed = delta * draws + 2 * std::sqrt(draws * delta * (1 - delta));
  MESSAGE(std::string(name) << ", " << std::string(name_of(risk)) << " " << epsilon << ", delta "
                            << delta << ": certified " << outcome.certified << " of " << draws
                            << ", broken " << outcome.broken << ", saved " << outcome.saved);
  CHECK(outcome.broken <= allowed);
  if (must_certify) CHECK(outcome.certified > draws / 2);
}

void check_populations(int draws) {
  for (const double delta : {0.1, 0.01}) {
    for (const double share : {0.03, 0.06})
      check("one row repeats", with_atom(share), Risk::drop, 0.02, delta, draws, 0, false);
    for (const std::size_t rows : {2000, 20000}) {
      const Population zipf{measured(rows, 22), testing::zipf_weights(rows, 1.0, 3)};
      check(rows == 2000 ? "Zipf over 2,000" : "Zipf over 20,000", zipf, Risk::drop, 0.03, delta,
            draws);
      if (rows == 2000) check("Zipf over 2,000", zipf, Risk::disagreement, 0.05, delta, draws);
      if (rows == 2000)
        check("Zipf over 2,000, others without labels", zipf, Risk::drop, 0.03, delta, draws / 3,
              4000);
    }
    const Population equal{measured(200, 24), testing::equal_weights(200)};
    check("200 equal rows", equal, Risk::drop, 0.03, delta, draws);
  }
}

}  // namespace

TEST_CASE("calibrate's promise holds where rows repeat, from the split to the certificate") {
  check_populations(40);
}

// 300 draws each: some minutes. bench/promises has real scores.
TEST_CASE("calibrate's promise holds where rows repeat, 300 draws each" * doctest::skip()) {
  check_populations(300);
}

TEST_CASE(
    "rows are split by number: the size of each part, copies counted, and with distinct left out") {
  MeasuredExits rows = measured(1000, 5);
  for (std::size_t row = 500; row < 700; ++row) rows.digests[row] = 1;
  CalibrateResult result =
      calibrate_measured(model(), rows, nullptr, promise(Risk::drop, 0.2, 0.1));
  CHECK(result.rows == 1000);
  CHECK(result.copies == 200);
  CHECK(result.fitting_rows == 100);
  CHECK(result.testing_rows == 900);
  REQUIRE(result.certificate);
  CHECK(result.certificate->fitted_rows == 100);
  CHECK(result.certificate->rows == 900);
  CHECK_FALSE(result.certificate->distinct);
  CalibrateOptions distinct = promise(Risk::drop, 0.2, 0.1);
  distinct.distinct = true;
  result = calibrate_measured(model(), rows, nullptr, distinct);
  CHECK(result.rows == 800);
  CHECK(result.certificate->distinct);
  CHECK(calibrate_measured(model(), measured(5000, 5), nullptr, promise(Risk::drop, 0.2, 0.1))
            .fitting_rows == 500);
  CHECK(calibrate_measured(model(), measured(5000, 5), nullptr, promise(Risk::exit_error, 0.3, 0.1))
            .fitting_rows == 2500);
  CHECK(calibrate_measured(model(), measured(150, 5), nullptr, promise(Risk::drop, 0.2, 0.1))
            .fitting_rows == 75);
  CHECK(calibrate_measured(model(), measured(40, 5), nullptr, {}).fitting_rows == 20);
}

TEST_CASE("too few rows are told in rows to bring") {
  CHECK_THROWS_WITH_AS(calibrate_measured(model(), measured(300, 5), nullptr,
                                          promise(Risk::disagreement, 0.01, 0.1)),
                       "calibrate: expected at least 330 rows in all for a disagreement of 0.01 at "
                       "delta 0.1 (230 test, the "
                       "others fit), got 300",
                       Error);
  CHECK_THROWS_WITH_AS(
      calibrate_measured(model(), measured(1000, 5), nullptr, promise(Risk::drop, 0.001, 0.1)),
      doctest::Contains("expected at least 2557 rows in all"), Error);
  CHECK_NOTHROW(calibrate_measured(model(), measured(330, 5), nullptr,
                                   promise(Risk::disagreement, 0.01, 0.1)));
}

TEST_CASE("advice is above what there was, and fresh rows as many certify in four cases of five") {
  const Population population{measured(20000, 31), testing::equal_weights(20000)};
  int refused = 0, certified = 0, told = 0;
  for (std::uint64_t draw = 0; draw < 60; ++draw) {
    Random random(5, draw);
    CalibrateOptions options = promise(Risk::exit_error, 0.05, 0.1);
    options.seed = draw + 1;
    const CalibrateResult result =
        calibrate_measured(model(), population.draw(400, random), nullptr, options);
    if (result.certificate) continue;
    ++refused;
    if (!result.rows_needed) continue;
    ++told;
    CHECK(*result.rows_needed > 400);
    const auto fresh = population.draw(static_cast<std::size_t>(*result.rows_needed), random);
    certified += calibrate_measured(model(), fresh, nullptr, options).certificate ? 1 : 0;
  }
  MESSAGE(refused << " refused, " << told << " told, " << certified << " certify then");
  CHECK(told > 5);
  CHECK(certified >= 0.8 * told);
}

TEST_CASE(
    "rows without labels that are the labelled ones are refused; traffic that repeats itself is "
    "not") {
  const MeasuredExits rows = measured(1000, 5);
  const CalibrateOptions options = promise(Risk::drop, 0.1, 0.1);
  CHECK_THROWS_WITH_AS(
      calibrate_measured(model(), rows, &rows, options),
      doctest::Contains("expected other rows than the labelled ones, got 1000 of the 1000"), Error);
  const Population zipf{measured(50, 22), testing::equal_weights(50)};
  Random random(1);
  const MeasuredExits labelled = zipf.draw(1000, random), others = zipf.draw(3000, random);
  CHECK(calibrate_measured(model(), labelled, &others, options).unlabelled_rows == 3000);
}
