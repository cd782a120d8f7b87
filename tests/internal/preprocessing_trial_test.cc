#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "sidenet/preprocessing_trial.h"

#include <doctest/doctest.h>

#include <memory>

#include "preprocessing_candidates.h"
#include "random_model.h"
#include "temporary_folder.h"
#include "trial_score.h"

using namespace sidenet;
using sidenet::testing::TemporaryFolder;

namespace {

const Model& network() {
  static const Model model =
      make_model(testing::describe(testing::random_cifar_resnet(3, 1, 6, 3, 4, false)));
  return model;
}

/// Patches of colour, whose classes are what the network says where they are preprocessed in one
/// way.
class Coloured : public Dataset {
 public:
  Coloured(std::int64_t rows, int side, const Preprocessing& truth) : side_(side) {
    const Model model = with_preprocessing(network(), truth);
    Session session(model, {.execution = {.threads = 1}});
    labels_.assign(static_cast<std::size_t>(rows), 0);
    for (std::int64_t row = 0; row < rows; ++row)
      labels_[static_cast<std::size_t>(row)] =
          session.run(batch_of(model, *this, row, 1, 1), ExitPolicy::final_only()).index[0];
  }
  std::int64_t rows() const override { return static_cast<std::int64_t>(labels_.size()); }
  int label(std::int64_t row) const override { return labels_[static_cast<std::size_t>(row)]; }
  const std::vector<std::string>& class_names() const override { return names_; }
  std::string name(std::int64_t row) const override { return "row " + std::to_string(row); }
  Tensor image(std::int64_t row) const override {
    testing::RandomWeights random(static_cast<unsigned>(row) + 1);
    Tensor image(DType::u8, {side_, side_, 3});
    const int patch = side_ / 4;
    std::uint8_t colours[4][4][3];
    for (auto& line : colours) {
      for (auto& colour : line) {
        for (std::uint8_t& channel : colour)
          channel = static_cast<std::uint8_t>(random.integer(256));
      }
    }
    for (int i = 0; i < side_ * side_; ++i) {
      for (int c = 0; c < 3; ++c) {
        image.mutable_data<std::uint8_t>()[3 * i + c] =
            colours[std::min(3, i / side_ / patch)][std::min(3, i % side_ / patch)][c];
      }
    }
    return image;
  }

  std::vector<int> labels_;

 private:
  int side_;
  std::vector<std::string> names_;
};

Preprocessing assumed() { return network().preprocessing(); }

PreprocessingTrial try_on(const Coloured& data, TryOptions options = {}) {
  options.execution.threads = 1;
  return try_preprocessing(network(), data, options);
}

const Preprocessing& chosen(const PreprocessingTrial& trial) {
  CHECK(trial.refusal == "");
  return trial.tried[trial.chosen].preprocessing;
}

bool same(const Preprocessing& a, const Preprocessing& b) {
  return a.mean == b.mean && a.std == b.std && a.resize == b.resize && a.crop == b.crop &&
         a.channel_order == b.channel_order;
}

}  // namespace

TEST_CASE("the preprocessing of the training is found, whatever part of it was assumed wrongly") {
  std::vector<Preprocessing> truths(5, assumed());
  truths[0].resize = 64;
  truths[1].mean = truths[1].std = {0.5f, 0.5f, 0.5f};
  truths[2].channel_order = ChannelOrder::bgr;
  truths[3].mean.clear();
  truths[3].std = {1 / 255.0f, 1 / 255.0f, 1 / 255.0f};
  truths[4].resize = 24;
  truths[4].channel_order = ChannelOrder::bgr;
  truths[4].mean = truths[4].std = {0.5f, 0.5f, 0.5f};
  for (const Preprocessing& truth : truths) {
    CAPTURE(truth.resize);
    CAPTURE(name_of(truth.channel_order));
    const Coloured data(240, truth.resize == 64 ? 64 : 24, truth);
    const PreprocessingTrial trial = try_on(data);
    CHECK(same(chosen(trial), truth));
    CHECK(trial.chosen == 0);
    CHECK(trial.tried[0].right == 240);
    CHECK(trial.rows == 240);
    CHECK(trial.tried.size() < static_cast<std::size_t>(trial.candidates));
    CHECK(same(trial.tried[trial.assumed].preprocessing, assumed()));
    CHECK(trial.tried[trial.assumed].right < 240);
  }
}

TEST_CASE("what was assumed stays where nothing is clearly better") {
  Coloured data(200, 32, assumed());
  CHECK(same(chosen(try_on(data)), assumed()));
  // A few labels that BGR alone has right are no evidence.
  Preprocessing bgr = assumed();
  bgr.channel_order = ChannelOrder::bgr;
  const Coloured other(200, 32, bgr);
  int changed = 0;
  for (std::size_t row = 0; row < data.labels_.size() && changed < 3; ++row) {
    if (data.labels_[row] == other.labels_[row]) continue;
    data.labels_[row] = other.labels_[row];
    ++changed;
  }
  CHECK(same(chosen(try_on(data)), assumed()));
}

TEST_CASE("nothing is chosen where the labels mean nothing") {
  Coloured data(300, 32, assumed());
  testing::RandomWeights random(5);
  for (int& label : data.labels_) label = static_cast<int>(random.integer(4));
  const PreprocessingTrial trial = try_on(data);
  CHECK(trial.refusal.starts_with("none of "));
  CHECK(trial.refusal.find("better than chance on 300 rows") != std::string::npos);
  CHECK(trial.refusal.size() < 200);
}

TEST_CASE("parts that are known are not tried") {
  const Coloured data(60, 24, assumed());
  const auto count = [&](bool sizes, bool normalisations, bool orders) {
    TryOptions options;
    options.sizes = sizes, options.normalisations = normalisations;
    options.channel_orders = orders;
    return try_on(data, options).candidates;
  };
  CHECK(count(false, false, true) == 2);
  CHECK(count(false, true, false) == 6);
  CHECK(count(true, false, false) == 5);  // 32, the pictures' own 24, 64, 96, 128
  CHECK(count(false, true, true) == 15);  // with imagenet, cifar10, … also reversed
  TryOptions nothing;
  nothing.sizes = nothing.normalisations = nothing.channel_orders = false;
  CHECK_THROWS_WITH_AS(
      try_on(data, nothing),
      "try: nothing is left to try: size, mean, std and channel order are all given", Error);
}

TEST_CASE("rows come of all classes in turn, by the seed") {
  const Coloured data(400, 32, assumed());
  TryOptions options;
  options.rows = 40;
  const PreprocessingTrial first = try_on(data, options), again = try_on(data, options);
  CHECK(first.rows == 40);
  REQUIRE(first.tried.size() == again.tried.size());
  for (std::size_t i = 0; i < first.tried.size(); ++i) {
    CHECK(first.tried[i].right == again.tried[i].right);
    CHECK(first.tried[i].log_loss == again.tried[i].log_loss);
  }
}

TEST_CASE("data that does not do is refused") {
  const auto refused = [](const Coloured& data, const TryOptions& options) {
    try {
      try_on(data, options);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  Coloured data(40, 32, assumed());
  CHECK(refused(data, {.rows = 29}) == "try: rows: expected at least 30, got 29");
  CHECK(refused(Coloured(29, 32, assumed()), {}) ==
        "try: expected at least 30 labelled rows, got 29");
  for (int& label : data.labels_) label = 1;
  CHECK(refused(data, {}) == "try: expected rows of two classes or more, got one class alone");
}

TEST_CASE("the model keeps what was tried, and its answers") {
  Preprocessing bgr = assumed();
  bgr.channel_order = ChannelOrder::bgr;
  ModelData data = data_of(network());
  data.assumptions = {{"resize", "32", AssumptionSource::option},
                      {"mean", "x", AssumptionSource::default_value}};
  const Model model = with_preprocessing(make_model(std::move(data)), bgr);
  const TemporaryFolder folder;
  model.save(folder.at("m.safetensors"));
  const Model loaded = Model::load(folder.at("m.safetensors"));
  CHECK(loaded.preprocessing().channel_order == ChannelOrder::bgr);
  CHECK(loaded.file_problem() == "");
  CHECK(loaded.digest() != network().digest());
  REQUIRE(loaded.assumptions().size() == 7);
  CHECK(loaded.assumptions()[0].source == AssumptionSource::option);
  CHECK(loaded.assumptions()[1].value == "0.485,0.456,0.406");
  CHECK(loaded.assumptions()[1].source == AssumptionSource::tried);
  CHECK(loaded.assumptions()[3].what == "interpolation");
  CHECK(loaded.assumptions()[3].source == AssumptionSource::default_value);
  CHECK(loaded.assumptions()[6].value == "BGR");
}

TEST_CASE("a candidate beats another by rows that it alone has right, or by its log loss") {
  const auto score = [](const std::vector<int>& said, float sure) {
    TrialScore result;
    Answers answers;
    answers.logits = Tensor(DType::f32, {static_cast<std::int64_t>(said.size()), 2});
    for (std::size_t row = 0; row < said.size(); ++row) {
      answers.index.push_back(said[row]);
      answers.logits.mutable_data<float>()[2 * row + static_cast<std::size_t>(said[row])] =
          row % 2 == 0 ? sure : 1;
    }
    result.take(answers);
    std::vector<int> labels(said.size(), 0);
    result.judge(labels, 2);
    return result;
  };
  std::vector<int> said(60, 0);
  const TrialScore all = score(said, 1);
  for (int row = 0; row < 4; ++row) said[static_cast<std::size_t>(row)] = 1;
  const TrialScore four_less = score(said, 1);
  CHECK(all.is_before(four_less));
  CHECK(all.right() - four_less.right() == 4);
  said[4] = 1;
  const TrialScore five_less = score(said, 1);
  CHECK(all.beats(five_less));  // 1 / 32
  CHECK(!five_less.beats(all));
  CHECK(!all.beats(all));
  // Logits may be of any scale.
  const TrialScore scaled = [&] {
    std::vector<int> labels(60, 0);
    Answers answers;
    answers.logits = Tensor(DType::f32, {60, 2});
    answers.index.assign(60, 0);
    for (std::size_t row = 0; row < 60; ++row)
      answers.logits.mutable_data<float>()[2 * row] = 1e-3f;
    TrialScore result;
    result.take(answers);
    result.judge(labels, 2);
    return result;
  }();
  CHECK(scaled.log_loss() == doctest::Approx(all.log_loss()).epsilon(1e-3));
  // As many are right, those that are wrong with less confidence.
  std::vector<int> alternating(60, 0);
  for (std::size_t row = 0; row < 60; row += 6) alternating[row] = 1;
  const TrialScore doubtful = score(alternating, 0.1f), sure = score(alternating, 5);
  CHECK(doubtful.right() == sure.right());
  CHECK(doubtful.log_loss() < sure.log_loss());
  CHECK(doubtful.is_before(sure));
  CHECK(doubtful.beats(sure));
  CHECK(!sure.beats(doubtful));
}
