#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "trainer.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <set>
#include <utility>
#include <vector>

#include "metrics.h"
#include "random.h"
#include "sidenet/error.h"
#include "sidenet_mlp.h"
#include "split.h"
#include "standardise.h"

using namespace sidenet;

namespace {

double normal(Random& random) {  // nearly: a sum of uniform numbers
  double sum = -6;
  for (int i = 0; i < 12; ++i) sum += random.uniform();
  return sum;
}

/// Rows with labels from `make(random, features)`; MainNet's logits are sure of the label; every
/// fifth row is held out.
template <typename Make>
TrainingRows make_rows(std::int64_t count, std::int64_t features, std::int64_t classes,
                       const Make& make) {
  TrainingRows rows;
  rows.features = Tensor(DType::f32, {count, features});
  rows.mainnet_logits = Tensor(DType::f32, {count, classes});
  Random random(3);
  for (std::int64_t row = 0; row < count; ++row) {
    const int label = make(random, rows.features.mutable_data<float>() + row * features);
    rows.labels.push_back(label);
    rows.mainnet_logits.mutable_data<float>()[row * classes + label] = 4;
    (row % 5 == 0 ? rows.holdout : rows.training).push_back(row);
  }
  return rows;
}

/// Three clouds far from 0 and of unlike scales, with a feature that never varies.
TrainingRows blobs(std::int64_t count) {
  return make_rows(count, 6, 3, [](Random& random, float* x) {
    const int label = static_cast<int>(random.below(3));
    for (int i = 0; i < 5; ++i)
      x[i] =
          static_cast<float>(100 + (i == label ? 4 : 0) + normal(random)) * (i == 1 ? 50.0f : 1.0f);
    x[5] = 7;
    return label;
  });
}

TrainingRows exclusive_or(std::int64_t count) {
  return make_rows(count, 2, 2, [](Random& random, float* x) {
    for (int i = 0; i < 2; ++i) x[i] = static_cast<float>(2 * random.uniform() - 1);
    return (x[0] > 0) == (x[1] > 0) ? 1 : 0;
  });
}

TrainOptions quick() {
  TrainOptions options;
  options.hidden = 32;
  options.batch_rows = 64;
  options.learning_rate = 5e-3;
  options.execution.threads = 2;
  return options;
}

/// The formula, row by row: fc2(relu(fc1((x - mean) / std))).
double plain_accuracy(const ops::SideNet& w, const TrainingRows& rows) {
  const std::int64_t features = w.mean.size(), hidden = w.fc1_bias.size(),
                     classes = w.fc2_bias.size();
  const Tensor fc1 = w.fc1_weight.to_f32();
  std::int64_t right = 0;
  for (const std::int64_t row : rows.holdout) {
    const float* x = rows.features.data<float>() + row * features;
    std::vector<float> h(static_cast<std::size_t>(hidden)), z(static_cast<std::size_t>(classes));
    for (std::int64_t i = 0; i < hidden; ++i) {
      double sum = static_cast<double>(w.fc1_bias.data<float>()[i]);
      for (std::int64_t f = 0; f < features; ++f) {
        const float standard = (x[f] - w.mean.data<float>()[f]) / w.std.data<float>()[f];
        sum += static_cast<double>(fc1.data<float>()[i * features + f] * standard);
      }
      h[static_cast<std::size_t>(i)] = static_cast<float>(std::max(sum, 0.0));
    }
    for (std::int64_t c = 0; c < classes; ++c) {
      z[static_cast<std::size_t>(c)] = w.fc2_bias.data<float>()[c];
      for (std::int64_t i = 0; i < hidden; ++i) {
        z[static_cast<std::size_t>(c)] +=
            w.fc2_weight.data<float>()[c * hidden + i] * h[static_cast<std::size_t>(i)];
      }
    }
    right += argmax(z.data(), classes) == rows.labels[static_cast<std::size_t>(row)] ? 1 : 0;
  }
  return static_cast<double>(right) / static_cast<double>(rows.holdout.size());
}

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && std::memcmp(a.raw(), b.raw(), a.bytes()) == 0;
}

bool same_bits(const ops::SideNet& a, const ops::SideNet& b) {
  return same_bits(a.mean, b.mean) && same_bits(a.std, b.std) &&
         same_bits(a.fc1_weight, b.fc1_weight) && same_bits(a.fc1_bias, b.fc1_bias) &&
         same_bits(a.fc2_weight, b.fc2_weight) && same_bits(a.fc2_bias, b.fc2_bias);
}

}  // namespace

TEST_CASE("separable clouds are learned, and the weights answer as was measured") {
  const TrainingRows rows = blobs(1500);
  const TrainedSideNet trained = train_sidenet("test", rows, quick());
  CHECK(trained.holdout_accuracy > 0.97);
  CHECK(plain_accuracy(trained.sidenet, rows) ==
        doctest::Approx(trained.holdout_accuracy).epsilon(0.004));
  CHECK(trained.sidenet.fc1_weight.shape() == Shape{32, 6});
  CHECK(trained.sidenet.fc2_weight.shape() == Shape{3, 32});
}

TEST_CASE("to_bf16 rounds to the nearest, ties to even; what bfloat16 holds stays; NaN stays NaN") {
  const float inf = std::numeric_limits<float>::infinity();
  const auto of_bits = [](std::uint32_t bits) { return std::bit_cast<float>(bits); };
  const std::vector<std::pair<float, float>> cases = {
      {0.0f, 0.0f},
      {1.0f, 1.0f},
      {-2.5f, -2.5f},
      {of_bits(0x3f808000), of_bits(0x3f800000)},  // a tie: to the even one below
      {of_bits(0x3f818000), of_bits(0x3f820000)},  // a tie: to the even one above
      {of_bits(0x3f808001), of_bits(0x3f810000)},
      {of_bits(0xbf807fff), of_bits(0xbf800000)},
      {of_bits(0x7f7fffff), inf},
      {-inf, -inf}};
  for (const auto& [from, to] : cases)
    CHECK(Tensor::from({1}, {from}).to_bf16().to_f32().data<float>()[0] == to);
  for (const std::uint32_t nan : {0x7f800001u, 0x7fffffffu, 0xffffffffu})
    CHECK(std::isnan(Tensor::from({1}, {of_bits(nan)}).to_bf16().to_f32().data<float>()[0]));
  CHECK_THROWS_AS(Tensor(DType::f64, {1}).to_bf16(), Error);
}

TEST_CASE("the first layer's weights are kept in bfloat16, rounded after training, or in float32") {
  const TrainingRows rows = blobs(600);
  TrainOptions options = quick();
  const TrainedSideNet halves = train_sidenet("test", rows, options);
  options.weights = WeightType::f32;
  const TrainedSideNet whole = train_sidenet("test", rows, options);
  REQUIRE(halves.sidenet.fc1_weight.dtype() == DType::bf16);
  REQUIRE(whole.sidenet.fc1_weight.dtype() == DType::f32);
  CHECK(same_bits(halves.sidenet.fc1_weight, whole.sidenet.fc1_weight.to_bf16()));
  CHECK(same_bits(halves.sidenet.fc2_weight, whole.sidenet.fc2_weight));
  CHECK(halves.best_epoch == whole.best_epoch);
  CHECK(halves.holdout_loss != whole.holdout_loss);  // measured as kept
  CHECK(halves.holdout_loss == doctest::Approx(whole.holdout_loss).epsilon(0.01));
}

TEST_CASE("exclusive or needs the hidden layer") {
  const TrainingRows rows = exclusive_or(2000);
  CHECK(train_sidenet("test", rows, quick()).holdout_accuracy > 0.95);
  TrainOptions narrow = quick();
  narrow.hidden = 1;
  CHECK(train_sidenet("test", rows, narrow).holdout_accuracy < 0.85);
}

TEST_CASE("the gradient agrees with finite differences") {
  constexpr int features = 5, hidden = 7, classes = 4, rows = 6;
  Dropout dropout{0.25, 0.5, 11, 2};
  bool dropped = false;
  SUBCASE("without dropout") {}
  SUBCASE("with dropout") { dropped = true; }
  const Dropout* mask = dropped ? &dropout : nullptr;
  SideNetMlp mlp(features, hidden, classes, rows, 1);
  mlp.initialise(5);
  Random random(9);
  for (float& parameter : mlp.parameters())
    parameter += static_cast<float>(0.1 * normal(random));  // biases too
  std::vector<float> x(rows * features), targets(rows * classes);
  for (float& v : x) v = static_cast<float>(normal(random));
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < classes; ++c)
      targets[static_cast<std::size_t>(r * classes + c)] = static_cast<float>(normal(random));
    softmax(targets.data() + r * classes, classes, 1, targets.data() + r * classes);
  }
  const auto loss = [&] {
    std::vector<float> input = x;
    mlp.forward(input.data(), rows, mask);
    std::vector<double> each(rows);
    mlp.losses(targets.data(), rows, each.data());
    double sum = 0;
    for (const double one : each) sum += one;
    return sum / rows;
  };
  std::vector<float> input = x;
  mlp.forward(input.data(), rows, mask);
  CHECK(mlp.backward(input.data(), targets.data(), rows, mask) == doctest::Approx(loss()));
  const std::vector<float> gradient(mlp.gradient().begin(), mlp.gradient().end());
  double largest = 0;
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    constexpr float step = 1e-2f;
    float& parameter = mlp.parameters()[i];
    const float kept = parameter;
    parameter = kept + step;
    const double above = loss();
    parameter = kept - step;
    const double below = loss();
    parameter = kept;
    largest = std::max(largest, std::abs((above - below) / (2 * static_cast<double>(step)) -
                                         static_cast<double>(gradient[i])));
  }
  MESSAGE("largest difference " << largest);
  CHECK(largest < 2e-4);
}

TEST_CASE("the same seed gives the same bits, whatever the threads; another seed does not") {
  const TrainingRows rows = make_rows(300, 200, 3, [](Random& random, float* x) {
    const int label = static_cast<int>(random.below(3));
    for (int i = 0; i < 200; ++i)
      x[i] = static_cast<float>(normal(random) + (i % 3 == label ? 0.2 : 0));
    return label;
  });
  TrainOptions options = quick();
  options.hidden = 150;  // work enough for several threads
  options.epochs = 3;
  options.input_dropout = 0.1;
  const TrainedSideNet first = train_sidenet("test", rows, options);
  CHECK(same_bits(first.sidenet, train_sidenet("test", rows, options).sidenet));
  options.execution.threads = 1;
  const TrainedSideNet alone = train_sidenet("test", rows, options);
  CHECK(same_bits(first.sidenet, alone.sidenet));
  CHECK(first.holdout_loss == alone.holdout_loss);
  options.seed = 2;
  CHECK(!same_bits(first.sidenet, train_sidenet("test", rows, options).sidenet));
}

TEST_CASE("training stops when the held-out loss no longer falls, and keeps the best epoch") {
  TrainingRows rows = blobs(300);
  Random random(1);
  for (int& label : rows.labels)
    label = static_cast<int>(random.below(3));  // nothing to learn: it can only overfit
  TrainOptions options = quick();
  options.epochs = 60;
  options.patience = 3;
  options.soft_targets = 0;
  options.dropout = 0;
  options.weights = WeightType::f32;  // rounded ones are measured once more at the end
  int epochs = 0;
  double least = std::numeric_limits<double>::infinity();
  const TrainedSideNet trained =
      train_sidenet("test", rows, options, [&](int epoch, double, double loss, double) {
        epochs = epoch;
        least = std::min(least, loss);
      });
  CHECK(epochs == trained.best_epoch + 3);
  CHECK(trained.holdout_loss == least);
}

TEST_CASE("soft targets follow MainNet where its answers differ from the labels") {
  TrainingRows rows = blobs(900);
  for (std::size_t row = 0; row < rows.labels.size();
       ++row) {  // MainNet calls every class by the next one's name
    float* logits = rows.mainnet_logits.mutable_data<float>() + 3 * row;
    for (int c = 0; c < 3; ++c) logits[c] = c == (rows.labels[row] + 1) % 3 ? 8.0f : 0.0f;
  }
  TrainOptions options = quick();
  options.soft_targets = 1;
  CHECK(train_sidenet("test", rows, options).holdout_accuracy < 0.05);
  options.soft_targets = 0;
  CHECK(train_sidenet("test", rows, options).holdout_accuracy > 0.95);
}

TEST_CASE("standardisation: mean and deviation of the chosen rows, with a floor") {
  Tensor features =
      Tensor::from({4, 3}, {1e6f + 1, 5, 0, 1e6f + 3, 5, 0, 99, 99, 99, 1e6f + 5, 5, 0.0f});
  const std::vector<std::int64_t> rows{0, 1, 3};
  for (const int threads : {1, 2, 3, 8}) {
    const Standardisation s = Standardisation::measure("test", features, rows, threads);
    CHECK(s.mean[0] == 1e6f + 3);
    CHECK(s.std[0] == doctest::Approx(std::sqrt(8.0 / 3)));
    CHECK(s.mean[1] == 5);
    CHECK(s.std[1] == doctest::Approx(0.01 * std::sqrt(8.0 / 9)));
    std::vector<float> x(9);
    s.gather(features, rows, x.data(), threads);
    CHECK(x[0] == doctest::Approx(-std::sqrt(1.5)));
    CHECK(x[1] == 0);
    CHECK(x[6] == doctest::Approx(std::sqrt(1.5)));
  }
  features.mutable_data<float>()[1] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_WITH_AS(Standardisation::measure("layer2", features, rows, 2),
                       "train layer2: feature 1 of MainNet is not finite on some training row",
                       Error);
}

TEST_CASE(
    "the split keeps groups together, has the share asked for, and ignores the order of rows") {
  std::vector<std::uint64_t> groups;
  for (std::uint64_t i = 0; i < 1000; ++i) groups.push_back(i % 500);  // each twice
  const Split split = split_rows(groups, 0.1, 1);
  CHECK(split.holdout.size() == 100);
  CHECK(split.training.size() == 900);
  std::set<std::uint64_t> out;
  for (const std::int64_t row : split.holdout) out.insert(groups[static_cast<std::size_t>(row)]);
  for (const std::int64_t row : split.training)
    CHECK(!out.contains(groups[static_cast<std::size_t>(row)]));
  std::vector<std::uint64_t> reversed(groups.rbegin(), groups.rend());
  std::set<std::uint64_t> again;
  for (const std::int64_t row : split_rows(reversed, 0.1, 1).holdout)
    again.insert(reversed[static_cast<std::size_t>(row)]);
  CHECK(out == again);
  CHECK(split_rows(groups, 0.1, 2).holdout != split.holdout);
  CHECK(split_rows(groups, 0, 1).holdout.empty());
  CHECK(split_rows({1, 2}, 0.01, 1).holdout.size() == 1);
  CHECK(split_rows({5, 5}, 0.5, 1).holdout.empty());
}

TEST_CASE("options and rows that make no sense are refused by name") {
  const TrainingRows good = blobs(50);
  TrainOptions options = quick();
  options.dropout = 1;
  CHECK_THROWS_WITH_AS(train_sidenet("t", good, options),
                       "train: dropout: expected 0 to below 1, got 1.000000", Error);
  TrainingRows rows = good;
  rows.labels[7] = 3;
  CHECK_THROWS_WITH_AS(train_sidenet("t", rows, quick()),
                       "train t: row 7 has label 3, expected 0 to 2", Error);
  rows = good;
  rows.labels.pop_back();
  CHECK_THROWS_AS(train_sidenet("t", rows, quick()), Error);
  rows = good;
  rows.training.clear();
  CHECK_THROWS_AS(train_sidenet("t", rows, quick()), Error);
  options = quick();
  options.learning_rate = 1e30;
  CHECK_THROWS_AS(train_sidenet("t", good, options), Error);
}

TEST_CASE("without held-out rows all epochs are run") {
  TrainingRows rows = blobs(200);
  rows.holdout.clear();
  TrainOptions options = quick();
  options.epochs = 9;
  options.patience = 1;
  const TrainedSideNet trained = train_sidenet("t", rows, options);
  CHECK(trained.best_epoch == 9);
  CHECK(std::isnan(trained.holdout_loss));
}
