#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "data_warnings.h"

#include <doctest/doctest.h>

#include <memory>

#include "preprocessing_assumptions.h"
#include "quarters.h"
#include "random.h"

using namespace sidenet;
using sidenet::testing::Quarters;

namespace {

using Strings = std::vector<std::string>;

ModelData grey_network(int classes = 4) {
  return testing::describe(testing::random_cifar_resnet(1, 1, 4, 1, classes, false));
}

Model network(int classes = 4) { return make_model(grey_network(classes)); }

Model resized(int resize, int crop, std::optional<AssumptionSource> source = {}) {
  ModelData data = grey_network();
  data.preprocessing.resize = resize;
  data.preprocessing.crop = crop;
  data.assumptions = assumptions_of(data.preprocessing);
  if (!source) data.assumptions.clear();
  for (Assumption& each : data.assumptions) each.source = *source;
  return make_model(std::move(data));
}

/// Grey pictures of given sizes, in turn.
class Sized : public Quarters {
 public:
  explicit Sized(std::vector<std::pair<int, int>> sizes)
      : Quarters(60, 1), sizes_(std::move(sizes)) {}
  Tensor image(std::int64_t row) const override {
    const auto [height, width] = sizes_[static_cast<std::size_t>(row) % sizes_.size()];
    Tensor image(DType::u8, {height, width, 1});
    std::fill_n(image.mutable_data<std::uint8_t>(), image.size(), static_cast<std::uint8_t>(row));
    return image;
  }

 private:
  std::vector<std::pair<int, int>> sizes_;
};

/// `rows` rows over the classes in turn, a share of them right, the others any class.
ClassCounts answers(std::size_t classes, int rows, double right, std::uint64_t seed = 1) {
  ClassCounts counts(classes);
  Random random(seed);
  for (int row = 0; row < rows; ++row) {
    const auto label = static_cast<int>(static_cast<std::size_t>(row) % classes);
    const auto any = static_cast<int>(random.below(classes));
    counts.add(label, random.uniform() < right ? label : any);
  }
  return counts;
}

bool has(const Strings& lines, const std::string& words) {
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].size() <= 200);
  return lines[0].find(words) != std::string::npos;
}

}  // namespace

TEST_CASE("pictures that are much smaller than their resized ones, where nobody chose the size") {
  const Sized small({{64, 64}}), half({{100, 120}, {128, 128}, {90, 200}});
  CHECK(has(warnings_of_pictures(resized(256, 224), small),
            "pictures of 64 x 64 pixels are enlarged to 256, an assumption"));
  CHECK(has(warnings_of_pictures(resized(256, 224, AssumptionSource::default_value), small),
            "`sidenet import --try DATA`"));
  CHECK(has(warnings_of_pictures(resized(256, 224), half),
            "some 100 pixels (shorter side) are enlarged"));
  CHECK(has(warnings_of_pictures(resized(0, 224), small), "enlarged to 224"));
  for (const AssumptionSource chosen : {AssumptionSource::option, AssumptionSource::tried})
    CHECK(warnings_of_pictures(resized(256, 224, chosen), small).empty());
  CHECK(warnings_of_pictures(resized(256, 224), Sized({{160, 213}})).empty());
  CHECK(warnings_of_pictures(resized(32, 0), Sized({{28, 28}})).empty());
  CHECK(warnings_of_pictures(resized(0, 0), small).empty());
}

TEST_CASE("pictures of one square size that shrink to half, but not photos") {
  CHECK(has(warnings_of_pictures(resized(32, 0), Sized({{64, 64}})),
            "pictures of 64 x 64 pixels shrink to 32"));
  CHECK(warnings_of_pictures(resized(32, 0), Sized({{375, 500}})).empty());
  CHECK(warnings_of_pictures(resized(32, 0), Sized({{64, 64}, {80, 80}})).empty());
  CHECK(warnings_of_pictures(resized(256, 224), Sized({{500, 500}})).empty());
}

TEST_CASE("MainNet near chance") {
  const Model model = network();
  CHECK(has(warnings_of_answers(model, answers(4, 100, 0)), "no more than by chance"));
  CHECK(has(warnings_of_answers(model, answers(4, 4000, 0.05)), "hardly more than by chance"));
  ClassCounts shifted(4), constant(4);
  for (int row = 0; row < 400; ++row) shifted.add(row % 4, (row + 1) % 4);
  CHECK(has(warnings_of_answers(model, shifted), "0.0 % of a class's rows"));
  for (int row = 0; row < 90; ++row) constant.add(row % 2, 0);
  const Strings both = warnings_of_answers(model, constant);
  REQUIRE(both.size() == 2);
  CHECK(both[1].starts_with("MainNet never answers class 1 (45 rows)"));
}

TEST_CASE("what is better than chance, or too few rows to tell, has no warning") {
  const Model model = network();
  int alarms = 0;
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    for (const int rows : {8, 29, 30, 60, 300}) {
      for (const double right : {0.55, 0.8})
        alarms += warnings_of_answers(model, answers(4, rows, right, seed)).empty() ? 0 : 1;
    }
    alarms += warnings_of_answers(model, answers(4, 29, 0, seed)).empty() ? 0 : 1;
  }
  CHECK(alarms <= 5);
  // Rows of one class say nothing of chance, few of a second hardly more.
  ClassCounts one(4);
  for (int row = 0; row < 300; ++row) one.add(2, row % 2 == 0 ? 2 : row % 4);
  CHECK(warnings_of_answers(model, one).empty());
  one.add(1, 3);
  CHECK(warnings_of_answers(model, one).empty());
}

TEST_CASE("classes without an answer, and without a row") {
  const Model model = network(8);
  ClassCounts counts(8);
  for (int row = 0; row < 400; ++row) counts.add(row % 2, row % 2);
  for (int row = 0; row < 24; ++row) counts.add(2, 0);
  CHECK(warnings_of_answers(model, counts).empty());
  counts.add(2, 1);
  CHECK(has(warnings_of_answers(model, counts), "MainNet never answers class 2 (25 rows)"));
  CHECK(has(warnings_of_missing_classes(model, counts, false),
            "no row of 5 classes: 3, 4, 5, 6, 7: what is told here"));
  ClassCounts few(8);
  few.add(0, 0);
  CHECK(warnings_of_missing_classes(model, few, false).empty());
  CHECK(has(warnings_of_missing_classes(model, few, true), "7 classes: 1, 2, 3, 4, 5, …"));
}

TEST_CASE("long and hidden names are cut and shown") {
  ModelData data = grey_network(2);
  data.labels = {"a", "\x1b[31m" + std::string(5000, 'x')};
  ClassCounts counts(2);
  counts.add(0, 0);
  CHECK(has(warnings_of_missing_classes(make_model(std::move(data)), counts, true),
            "no row of class \\x1b[31mxxxxxxxx"));
}

TEST_CASE("evaluate, train, calibrate and suggest tell them") {
  const Model model = network();  // takes 32 x 32
  const auto data = std::make_shared<Quarters>(400, 1);
  const auto warned = [](const Strings& warnings) {
    bool small = false, chance = false;
    for (const std::string& line : warnings) {
      small = small || line.find("16 x 16 pixels are enlarged to 32") != std::string::npos;
      chance = chance || line.find("by chance") != std::string::npos;
    }
    return small && chance;
  };
  CHECK(warned(evaluate(model, *data, {}, {.threads = 1}).warnings));
  TrainOptions train;
  train.taps = {"layer1"};
  train.hidden = 8;
  train.epochs = 1;
  const TrainResult trained = train_sidenets(model, {data}, train);
  CHECK(warned(trained.warnings));
  train.flip = true;
  CHECK(warned(train_sidenets(model, {data}, train).warnings));
  CalibrateOptions calibration;
  calibration.keep_training_rows = true;
  CHECK(warned(calibrate(trained.model, *data, calibration).warnings));
  SuggestOptions suggestion;
  suggestion.probe_epochs = 1;
  suggestion.probe_hidden = suggestion.hidden = 8;
  CHECK(warned(suggest_exits(model, {data}, suggestion).warnings));
}
