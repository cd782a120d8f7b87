#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
#include <stdlib.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <numeric>

#include "checked.h"
#include "dataset_batches.h"
#include "model_data.h"
#include "quarters.h"
#include "sidenet/suggestion.h"

using namespace sidenet;
using sidenet::testing::Quarters;

namespace {

struct TemporaryFile {
  TemporaryFile() {
    folder = (std::filesystem::temp_directory_path() / "sidenet-calibrate-XXXXXX").string();
    REQUIRE(::mkdtemp(folder.data()));
    path = folder + "/model.safetensors";
  }
  ~TemporaryFile() { std::filesystem::remove_all(folder); }
  std::string folder, path;
};

const Model& mainnet() {
  static const Model model = [] {
    ModelData data = testing::describe(testing::random_cifar_resnet(1, 1, 4, 1, 4, false));
    data.preprocessing.resize = 16;
    return make_model(std::move(data));
  }();
  return model;
}

/// Images whose classes are what the random MainNet says of them, but for one in `noise`.
class Answered : public Quarters {
 public:
  Answered(std::int64_t rows, unsigned seed, int noise = 12) : Quarters(rows, seed) {
    Session session(mainnet(), {.execution = {.threads = 1}});
    for (std::int64_t row = 0; row < rows; ++row) {
      Tensor input = preprocess_image(image(row), mainnet().preprocessing());
      Tensor batch =
          Tensor::from({1, 1, 16, 16},
                       std::vector<float>(input.data<float>(), input.data<float>() + input.size()));
      const int said = session.run(batch, ExitPolicy::final_only()).index[0];
      labels_.push_back(row % noise == 0 ? (said + 1) % 4 : said);
    }
  }
  int label(std::int64_t row) const override { return labels_[static_cast<std::size_t>(row)]; }

 private:
  std::vector<int> labels_;
};

const Model& model_with_exits() {
  static const Model model = [] {
    TrainOptions options;
    options.taps = {"layer1", "layer3"};
    options.hidden = 16;
    options.epochs = 12;
    options.learning_rate = 5e-3;
    options.batch_rows = 32;
    options.execution.threads = 2;
    options.threshold = 0.9;
    return train_sidenets(mainnet(), {std::make_shared<Answered>(800, 1)}, options).model;
  }();
  return model;
}

CalibrateOptions quick() {
  CalibrateOptions options;
  options.execution.threads = 2;
  options.execution.batch = 16;
  return options;
}

bool same_answers(const Model& a, const Model& b, const Tensor& rows) {
  Session first(a), second(b);
  const Answers x = first.run(rows), y = second.run(rows);
  return x.exit == y.exit && x.confidence == y.confidence && x.index == y.index;
}

Tensor some_rows() {
  testing::RandomWeights random(77);
  return random.tensor({40, 1, 16, 16}, 0, 1);
}

}  // namespace

TEST_CASE(
    "calibration alone: truer confidences, the same answers at each exit, thresholds as they were; "
    "kept in the file") {
  const Answered data(1500, 2);
  const CalibrateResult result = calibrate(model_with_exits(), data, quick());
  CHECK(result.rows == 1500);
  CHECK(result.left_out == 0);
  CHECK(!result.certificate);
  REQUIRE(result.exits.size() == 3);
  for (const CalibratedExit& exit : result.exits) {
    CAPTURE(exit.name);
    CHECK(exit.temperature > 0);
    if (exit.tested_rows > 200) CHECK(exit.ece < exit.ece_before + exit.ece_floor);
  }
  CHECK(result.exits.back().tested_rows > 10);
  for (const ExitInfo& exit : result.model.exits()) {
    if (exit.name != "final") CHECK(exit.threshold == 0.9);
  }
  const Tensor rows = some_rows();
  for (const char* exit : {"layer1", "layer3", "final"}) {
    ExitPolicy policy;
    policy.always_exit = exit;
    Session before(model_with_exits()), after(result.model);
    CHECK(before.run(rows, policy).index == after.run(rows, policy).index);
  }
  const TemporaryFile file;
  result.model.save(file.path);
  const Model loaded = Model::load(file.path);
  CHECK(same_answers(result.model, loaded, rows));
  CHECK(!same_answers(result.model, model_with_exits(), rows));
  CHECK(loaded.exits().back().temperature == result.exits.back().temperature);
}

TEST_CASE("every kind of fit is kept in the file to the bit") {
  const Answered data(800, 3);
  for (const ConfidenceFit fit :
       {ConfidenceFit::temperature, ConfidenceFit::sigmoid, ConfidenceFit::isotonic}) {
    CAPTURE(name_of(fit));
    CalibrateOptions options = quick();
    options.fit = fit;
    const CalibrateResult result = calibrate(model_with_exits(), data, options);
    CHECK(result.exits.front().fit == fit);
    CHECK(result.model.exits().front().confidence_map.empty() ==
          (fit == ConfidenceFit::temperature));
    const TemporaryFile file;
    result.model.save(file.path);
    CHECK(same_answers(result.model, Model::load(file.path), some_rows()));
  }
}

TEST_CASE("a certificate tells what decoded its JPEGs, and does not hold for another decoder") {
  struct WithJpeg : Answered {
    using Answered::Answered;
    PictureFacts picture_facts(std::int64_t row) const override {
      return {row == 1199 ? PictureFormat::jpeg : PictureFormat::png, 1};
    }
  };
  CalibrateOptions options = quick();
  options.epsilon = 0.05;
  const CalibrateResult result = calibrate(model_with_exits(), WithJpeg(1200, 4), options);
  REQUIRE(result.certificate.has_value());
  const TemporaryFile file;
  result.model.save(file.path);
  const Model loaded = Model::load(file.path);
  CHECK(loaded.certificate_problem().empty());
  CHECK(loaded.certificate()->jpeg_decoder == jpeg_decoder());
  const auto check = [](const Model& model, bool reads_jpegs) {
    return certificate_check(model, {}, quick().execution, reads_jpegs).breach;
  };
  CHECK(check(loaded, true) == CertificateBreach::none);
  ModelData data = data_of(loaded);
  data.certificate->jpeg_decoder = jpeg_decoder() == JpegDecoder::stb_image
                                       ? JpegDecoder::libjpeg_turbo
                                       : JpegDecoder::stb_image;
  const Model other = make_model(std::move(data));
  CHECK(check(other, true) == CertificateBreach::decoder);
  CHECK(check(other, false) == CertificateBreach::none);
}

TEST_CASE("a promise is certified, holds for what was certified, and for nothing else") {
  const Answered data(1200, 4);
  CalibrateOptions options = quick();
  options.epsilon = 0.05;
  const CalibrateResult result = calibrate(model_with_exits(), data, options);
  REQUIRE(result.certificate.has_value());
  const Certificate& certificate = *result.certificate;
  CHECK(certificate.risk == Risk::drop);
  CHECK(certificate.rows == 1080);
  CHECK(certificate.fitted_rows == 120);
  CHECK(certificate.training_rows_known);
  CHECK(certificate.jpeg_decoder == JpegDecoder::none);
  CHECK(certificate.seed == 1);
  CHECK(certificate.data.size() == 32);
  CHECK(certificate.look == 1);
  CHECK_FALSE(certificate.looks_kept);
  CHECK(certificate.bound <= 0.05);
  CHECK(certificate.accuracy - certificate.mainnet_accuracy >= -0.05);
  CHECK(result.point.compute < 0.9);
  CHECK(result.model.certificate_problem().empty());
  CHECK(model_with_exits().certificate_problem() == "there is no certificate");
  const TemporaryFile file;
  result.model.save(file.path);
  const Model loaded = Model::load(file.path);
  CHECK(loaded.certificate_problem().empty());
  CHECK(loaded.certificate()->thresholds == certificate.thresholds);

  CHECK(loaded.certificate()->data == certificate.data);
  CHECK(loaded.certificate()->fitted_rows == 120);

  ModelData earlier = data_of(loaded);
  earlier.certificate->version = 1;
  CHECK(make_model(earlier).certificate_problem().starts_with("it was made by an earlier version"));
  ModelData without_rows = data_of(loaded);  // so that calibrate would take rows of training
  without_rows.weights.erase("sidenet.training_rows");
  CHECK(make_model(without_rows).certificate_problem() ==
        "the model is not the one that was certified");
  ModelData other_threshold = data_of(loaded);
  other_threshold.exits[0].threshold -= 0.01;
  CHECK(make_model(other_threshold).certificate_problem() ==
        "the threshold of layer1 is not the certified one");
  ModelData other_temperature = data_of(loaded);
  other_temperature.exits[1].temperature *= 1.001;
  CHECK(make_model(other_temperature).certificate_problem() ==
        "the model is not the one that was certified");
  ModelData other_weight = data_of(loaded);
  Tensor weight = other_weight.weights.at("exits.layer1.fc2.bias").clone();
  weight.mutable_data<float>()[0] += 1e-6f;
  other_weight.weights.insert_or_assign("exits.layer1.fc2.bias", weight);
  CHECK(make_model(other_weight).certificate_problem() ==
        "the model is not the one that was certified");
  ModelData other_label = data_of(loaded);
  std::swap(other_label.labels[0], other_label.labels[1]);
  CHECK(!make_model(other_label).certificate_problem().empty());
  // A further calibration takes it away.
  CHECK(!calibrate(loaded, data, quick()).model.certificate().has_value());
}

TEST_CASE(
    "a model's digest is of all that answers depend on, and the file's where save() wrote it") {
  const Model& model = model_with_exits();
  const std::string digest = model.digest();
  CHECK(digest.size() == 32);
  CHECK(digest.find_first_not_of("0123456789abcdef") == std::string::npos);
  const TemporaryFile file;
  model.save(file.path);
  CHECK(Model::load(file.path).digest() == digest);
  ModelData other = data_of(model);
  other.exits[0].threshold -= 0.01;
  const Model other_model = make_model(other);
  CHECK(other_model.digest() != digest);
  // As it was saved, whatever became of it; what is no digest is not taken for one.
  CHECK(loaded_model(other, digest).digest() == digest);
  CHECK(loaded_model(other, digest).file_problem() != "");
  for (const std::string& text : {digest.substr(1), digest + "0", std::string(32, 'g')})
    CHECK(loaded_model(other, text).digest() == other_model.digest());
}

TEST_CASE("where nothing can be promised, nothing is certified") {
  const Answered data(600, 5);
  CalibrateOptions options = quick();
  options.epsilon = 0;
  options.risk = Risk::disagreement;
  const CalibrateResult result = calibrate(model_with_exits(), data, options);
  CHECK(!result.certificate.has_value());
  CHECK(!result.rows_needed.has_value());
  options.risk = Risk::exit_error;
  options.epsilon = 0.3;
  const CalibrateResult errors = calibrate(model_with_exits(), data, options);
  REQUIRE(errors.certificate.has_value());
  CHECK(errors.certificate->risk == Risk::exit_error);
}

TEST_CASE("rows that SideNets were trained on are left out, or kept where that is asked for") {
  CHECK_THROWS_WITH_AS(calibrate(model_with_exits(), Answered(800, 1), quick()),
                       "calibrate: expected rows that training has not seen, got 800 of 800 that "
                       "SideNets were trained on",
                       Error);
  CalibrateOptions keep = quick();
  keep.keep_training_rows = true;
  CHECK(calibrate(model_with_exits(), Answered(800, 1), keep).left_out == 0);
  keep.epsilon = 0.1;
  CHECK_THROWS_WITH_AS(calibrate(model_with_exits(), Answered(800, 1), keep),
                       doctest::Contains("a promise (epsilon) or rows of training kept, got both"),
                       Error);
  // The digests go on with the model.
  const TemporaryFile file;
  calibrate(model_with_exits(), Answered(300, 6), quick()).model.save(file.path);
  CHECK_THROWS_AS(calibrate(Model::load(file.path), Answered(100, 1), quick()), Error);
}

TEST_CASE("rows without labels, each class, and looks: through calibrate itself") {
  const Answered data(900, 11);
  CalibrateOptions options = quick();
  options.epsilon = 0.1;
  options.unlabelled = std::make_shared<Answered>(600, 12);
  const CalibrateResult with = calibrate(model_with_exits(), data, options);
  REQUIRE(with.certificate);
  CHECK(with.certificate->unlabelled_rows == 600);
  options.by_class = true;
  CHECK_THROWS_AS(calibrate(model_with_exits(), data, options), Error);
  options.unlabelled.reset();
  CHECK_THROWS_WITH_AS(calibrate(model_with_exits(), data, options),
                       "calibrate: by class: class '0': expected at least 22 rows that test, for a "
                       "drop of 0.1 at delta 0.1 of "
                       "each class, got 0",
                       Error);
  options.by_class = false;
  ModelData kept = data_of(with.model);
  kept.certificate->classes = {{"0", 30, 0.05}, {"1", 40, 0.07}};
  kept.certificate->digest = answers_digest(kept);
  const TemporaryFile file;
  make_model(kept).save(file.path);
  const Model loaded = Model::load(file.path);
  CHECK(loaded.certificate_problem().empty());
  REQUIRE(loaded.certificate()->classes.size() == 2);
  CHECK(loaded.certificate()->classes[1].bound == 0.07);
  options.looks = file.folder + "/looks.json";
  const CalibrateResult first = calibrate(model_with_exits(), data, options);
  CHECK(first.look_delta == 0.05);
  options.seed = 2;
  const CalibrateResult second = calibrate(model_with_exits(), data, options);
  REQUIRE(second.certificate);
  CHECK(second.certificate->look == 2);
  CHECK(second.certificate->looks_kept);
  options.unlabelled = std::make_shared<Answered>(20, 13);
  CHECK_NOTHROW(calibrate(model_with_exits(), data, options));
}

TEST_CASE(
    "a budget: the most accurate thresholds within it, or an error that tells what is possible") {
  const Answered data(500, 7);
  CalibrateOptions options = quick();
  options.budget = Budget{1e4, false};
  const CalibrateResult loose = calibrate(model_with_exits(), data, options);
  CHECK(loose.row_ms > 0);
  CHECK(loose.measured_row_ms > 0);
  options.budget = Budget{1e-9, false};
  CHECK_THROWS_WITH_AS(calibrate(model_with_exits(), data, options),
                       doctest::Contains("calibrate: budget: expected at least"), Error);
  options.budget = Budget{1e4, true};
  CHECK_THROWS_WITH_AS(calibrate(model_with_exits(), data, options),
                       doctest::Contains("expected batch 1"), Error);
  options.execution.batch = 1;
  CHECK(calibrate(model_with_exits(), data, options).measured_row_ms > 0);
}

TEST_CASE("what calibration does not take") {
  CalibrateOptions options = quick();
  CHECK_THROWS_WITH_AS(calibrate(model_with_exits(), Answered(12, 8), quick()),
                       "calibrate: expected at least 40 rows, got 12", Error);
  options = quick();
  options.epsilon = 0.01;
  options.budget = Budget{1, false};
  CHECK_THROWS_AS(calibrate(model_with_exits(), Answered(100, 8), options), Error);
  options.budget.reset();
  CHECK_THROWS_AS(calibrate(model_with_exits(), Answered(60, 8), options),
                  Error);  // 30 rows certify nothing at 0.01
  ModelData bare = data_of(model_with_exits());
  bare.exits.clear();
  std::erase_if(bare.weights,
                [](const auto& weight) { return weight.first.starts_with("exits."); });
  CHECK_THROWS_AS(calibrate(make_model(bare), Answered(100, 8), quick()), Error);
  CHECK_THROWS_AS(sweep(make_model(bare), Answered(100, 8), {}), Error);
}

TEST_CASE("a batch of no rows, or of more than a Session takes, is refused wherever one is given") {
  const Model& model = model_with_exits();
  const auto data = std::make_shared<Answered>(120, 8);
  const auto fails = [](const std::string& who, std::int64_t batch,
                        const std::function<void()>& call) {
    const std::string message =
        who + ": batch: expected 1 to 16777216 rows, got " + std::to_string(batch);
    CHECK_THROWS_WITH_AS(call(), message.c_str(), Error);
  };
  for (const std::int64_t batch :
       {std::numeric_limits<std::int64_t>::min(), std::int64_t{-1}, std::int64_t{0},
        kMostRowsAtOnce + 1, std::int64_t{1} << 62, std::numeric_limits<std::int64_t>::max()}) {
    fails("evaluate", batch, [&] { evaluate(model, *data, {}, {.threads = 1, .batch = batch}); });
    fails("sweep", batch,
          [&] { sweep(model, *data, {.execution = {.threads = 1, .batch = batch}}); });
    fails("calibrate", batch, [&] {
      CalibrateOptions options = quick();
      options.execution.batch = batch;
      calibrate(model, *data, options);
    });
    fails("train", batch, [&] {
      TrainOptions options;
      options.taps = {"layer1"};
      options.execution.batch = batch;
      train_sidenets(mainnet(), {data}, options);
    });
    fails("suggest", batch, [&] {
      SuggestOptions options;
      options.execution.batch = batch;
      suggest_exits(mainnet(), {data}, options);
    });
    fails("data", batch,
          [&] { for_each_batch(*data, model.preprocessing(), batch, 1, [](const Batch&) {}); });
  }
  CHECK(evaluate(model, *data, {}, {.threads = 1, .batch = kMostRowsAtOnce}).rows == 120);
}

TEST_CASE("a sweep: the curve is what evaluate measures, the parts add up") {
  const Model model = calibrate(model_with_exits(), Answered(600, 10), quick()).model;
  const Answered data(300, 9);
  const Sweep result = sweep(model, data, {.execution = {.threads = 2, .batch = 20}});
  CHECK(result.scores.rows() == 300);
  CHECK(std::accumulate(result.scores.segment_compute.begin(), result.scores.segment_compute.end(),
                        0.0) == doctest::Approx(1));
  for (const std::size_t index :
       {std::size_t{10}, result.uniform.size() / 2, result.uniform.size() - 5}) {
    const OperatingPoint* point = &result.uniform[index];
    const Evaluation measured = evaluate(model, data, ExitPolicy::uniform(point->thresholds[0]));
    CHECK(point->accuracy == doctest::Approx(measured.accuracy));
    CHECK(point->agreement == doctest::Approx(measured.agreement));
    CHECK(point->compute == doctest::Approx(measured.compute_ratio));
    for (std::size_t exit = 0; exit < 3; ++exit)
      CHECK(point->rows[exit] == measured.exits[exit].rows);
  }
  const Evaluation own = evaluate(model, data, {});
  CHECK(result.current.accuracy == doctest::Approx(own.accuracy));
  CHECK(result.exits[0].answered.ece == doctest::Approx(own.exits[0].ece));
  CHECK(result.mainnet_accuracy == doctest::Approx(own.mainnet_accuracy));
  CHECK(result.current.ms > 0);
  for (const SweptExit& exit : result.exits)
    CHECK(exit.both_right + exit.exit_only + exit.mainnet_only + exit.both_wrong == 300);
  CHECK(result.easiest.size() == 12);
  CHECK(result.hardest.size() == 12);
}
