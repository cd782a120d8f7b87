#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
#include <stdlib.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <filesystem>

#include "quarters.h"
#include "random_model.h"
#include "sidenet/sidenet.h"
#include "temporary_folder.h"

using namespace sidenet;
using sidenet::testing::Quarters;
namespace fs = std::filesystem;

namespace {

using Folder = sidenet::testing::TemporaryFolder;

Model make_mainnet(unsigned seed = 1) {
  ModelData data = testing::describe(testing::random_cifar_resnet(seed, 1, 4, 1, 4, false));
  data.preprocessing.resize = 16;
  return make_model(std::move(data));
}

TrainOptions quick(const std::string& cache = "") {
  TrainOptions options;
  options.taps = {"layer3", "layer1"};  // not in the graph's order
  options.hidden = 24;
  options.epochs = 25;
  options.learning_rate = 5e-3;
  options.batch_rows = 32;
  options.execution.batch = 20;
  options.soft_targets = 0;  // MainNet is random
  options.execution.threads = 2;
  options.cache_dir = cache;
  return options;
}

bool same_bits(const Model& a, const Model& b) {
  const auto left = a.tensors(), right = b.tensors();
  if (left.size() != right.size()) return false;
  return std::equal(left.begin(), left.end(), right.begin(), [](const auto& x, const auto& y) {
    return x.first == y.first && x.second.shape() == y.second.shape() &&
           std::memcmp(x.second.raw(), y.second.raw(), x.second.bytes()) == 0;
  });
}

double accuracy_at(const Model& model, const Dataset& data, const std::string& exit) {
  ExitPolicy policy;
  policy.always_exit = exit;
  return evaluate(model, data, policy).accuracy;
}

std::vector<std::shared_ptr<const Dataset>> training_data() {
  return {std::make_shared<Quarters>(600, 1)};
}

}  // namespace

TEST_CASE("trained exits answer well, in the order of the graph, and MainNet is untouched") {
  const Model mainnet = make_mainnet();
  std::vector<std::string> stages;
  const TrainResult result =
      train_sidenets(mainnet, training_data(), quick(), [&](const Progress& progress) {
        if (stages.empty() || stages.back() != progress.stage) stages.push_back(progress.stage);
        CHECK(progress.done <= progress.total);
        if (progress.stage != "features") CHECK(!progress.note.empty());
      });
  CHECK(stages == std::vector<std::string>{"features", "train layer3", "train layer1"});
  REQUIRE(result.exits.size() == 2);
  CHECK(result.exits[0].name == "layer3");
  CHECK(result.exits[0].training_rows == 540);
  CHECK(result.exits[0].holdout_rows == 60);

  const auto exits = result.model.exits();
  REQUIRE(exits.size() == 3);
  CHECK(exits[0].name == "layer1");
  CHECK(exits[0].pool == 2);
  CHECK(exits[0].hidden == 24);
  CHECK(exits[0].threshold == 0.9);
  CHECK(exits[1].name == "layer3");
  for (const auto& [name, tensor] : mainnet.tensors())
    CHECK(std::memcmp(tensor.raw(), result.model.tensors().at(name).raw(), tensor.bytes()) == 0);

  // Through the engine, on images that training has not seen: the features have the order that the
  // exit reads.
  const Quarters unseen(200, 2);
  CHECK(accuracy_at(result.model, unseen, "layer1") > 0.95);
  CHECK(accuracy_at(result.model, unseen, "layer3") > 0.9);
  CHECK(result.exits[1].holdout_accuracy > 0.95);
}

TEST_CASE("mirrored copies are trained on, and stay on their original's side") {
  // A mirrored image keeps its label here, so an exit cannot tell left from right: its loss is at
  // least log 2.
  TrainOptions options = quick();
  options.taps = {"layer1"};
  CHECK(train_sidenets(make_mainnet(), training_data(), options).exits[0].holdout_loss < 0.2);
  options.flip = true;
  const TrainedExit exit = train_sidenets(make_mainnet(), training_data(), options).exits[0];
  CHECK(exit.holdout_loss > 0.6);
  CHECK(exit.holdout_loss < 0.9);  // but above from below it can: otherwise log 4
  CHECK(exit.training_rows == 1080);
  CHECK(exit.holdout_rows == 60);
}

TEST_CASE("data given twice is held out twice") {
  const auto data = training_data();
  const TrainResult result = train_sidenets(make_mainnet(), {data[0], data[0]}, quick());
  CHECK(result.exits[0].holdout_rows == 120);
  CHECK(result.exits[0].training_rows == 1080);
}

TEST_CASE("a run that stopped goes on from its cache to the same bits") {
  const Model mainnet = make_mainnet();
  const auto data = training_data();
  for (const bool flip : {false, true}) {
    TrainOptions options = quick();
    options.flip = flip;
    const TrainResult whole = train_sidenets(mainnet, data, options);

    Folder folder;
    options.cache_dir = folder.path + "/cache";
    const std::int64_t total = flip ? 1200 : 600;
    struct Stop {};
    CHECK_THROWS_AS(train_sidenets(mainnet, data, options,
                                   [&](const Progress& progress) {
                                     if (progress.done * 2 >= total) throw Stop();
                                   }),
                    Stop);
    options.execution.batch = 7;  // nothing depends on the batches
    std::int64_t first = -1;
    const TrainResult resumed =
        train_sidenets(mainnet, data, options, [&](const Progress& progress) {
          if (first < 0) first = progress.done;
        });
    CHECK(first * 2 >= total);
    CHECK(same_bits(whole.model, resumed.model));
    CHECK(!fs::exists(options.cache_dir + "/progress"));
    CHECK(std::distance(fs::directory_iterator(folder.path + "/cache"), fs::directory_iterator()) ==
          0);
  }
}

TEST_CASE("a kept cache serves again; another model, data or setting does not use it") {
  Folder folder;
  TrainOptions options = quick(folder.path);
  options.epochs = 1;
  options.keep_cache = true;
  const auto caches = [&] {
    return std::distance(fs::directory_iterator(folder.path), fs::directory_iterator());
  };
  const auto data = std::make_shared<Quarters>(100, 1);
  train_sidenets(make_mainnet(), {data}, options);
  CHECK(caches() == 1);
  const int once = data->read.exchange(0);
  CHECK(once == 100);
  options.hidden = 8;
  const TrainResult again = train_sidenets(make_mainnet(), {data}, options);
  CHECK(caches() == 1);
  CHECK(data->read == 100);  // they are compared
  // Exits do not change MainNet's features.
  train_sidenets(again.model, {data}, options);
  CHECK(caches() == 1);
  train_sidenets(make_mainnet(2), {data}, options);
  CHECK(caches() == 2);
  train_sidenets(make_mainnet(), {std::make_shared<Quarters>(100, 3)}, options);
  CHECK(caches() == 3);
  options.pool = 1;
  train_sidenets(make_mainnet(), {data}, options);
  CHECK(caches() == 4);
}

TEST_CASE("training again replaces the exit of that name and keeps the others") {
  TrainOptions options = quick();
  options.epochs = 2;
  const TrainResult first = train_sidenets(make_mainnet(), training_data(), options);
  options.taps = {"layer1"};
  options.hidden = 9;
  options.pool = 1;
  const TrainResult second = train_sidenets(first.model, training_data(), options);
  const auto exits = second.model.exits();
  REQUIRE(exits.size() == 3);
  CHECK(exits[0].hidden == 9);
  CHECK(exits[0].pool == 1);
  CHECK(exits[1].hidden == 24);
}

TEST_CASE("what cannot be trained is refused in one clear line") {
  const Model model = make_mainnet();
  TrainOptions options = quick();
  const auto fails = [&](const std::vector<std::shared_ptr<const Dataset>>& data,
                         const std::string& part) {
    try {
      train_sidenets(model, data, options);
      FAIL("no Error");
    } catch (const Error& error) {
      const std::string what = error.what();
      CAPTURE(what);
      CHECK(what.find(part) != std::string::npos);
      CHECK(what.find('\n') == std::string::npos);
    }
  };
  fails({}, "the data has no rows");
  auto bad = std::make_shared<Quarters>(50, 1);
  bad->bad_row = 17;
  fails({bad}, "quarters1[17]: label 4 does not fit the model: expected 0 to 3");
  options.taps = {"layer9"};
  fails(training_data(), "the model has no tap 'layer9': expected one of");
  options.taps = {};
  fails(training_data(), "no tap is named");
  options.taps = {"layer1", "layer1"};
  fails(training_data(), "named twice");
  options = quick("/dev/null/cache");
  fails(training_data(), "/dev/null/cache");
  options = quick();
  options.holdout = 1;
  fails(training_data(), "holdout: expected 0 to below 1");
}

TEST_CASE("evaluate: counts, compute and agreement") {
  TrainOptions options = quick();
  const Model model = train_sidenets(make_mainnet(), training_data(), options).model;
  const Quarters data(150, 2);
  Execution how;
  how.batch = 40;

  const Evaluation alone = evaluate(model, data, ExitPolicy::final_only(), how);
  CHECK(alone.rows == 150);
  CHECK(alone.compute_ratio == 1);
  CHECK(alone.agreement == 1);
  CHECK(alone.accuracy == alone.mainnet_accuracy);
  REQUIRE(alone.exits.size() == 3);
  CHECK(alone.exits[0].rows == 0);
  CHECK(std::isnan(alone.exits[0].accuracy));
  CHECK(std::isnan(alone.exits[0].ece));
  CHECK(alone.exits[2].rows == 150);

  const Evaluation open = evaluate(model, data, ExitPolicy::uniform(0.5), how);
  std::int64_t rows = 0;
  double right = 0;
  for (const ExitReport& exit : open.exits) {
    rows += exit.rows;
    if (exit.rows == 0) continue;
    right += exit.accuracy * static_cast<double>(exit.rows);
    CHECK(exit.ece >= 0);
    CHECK(exit.ece <= 1);
  }
  CHECK(rows == 150);
  CHECK(right / 150 == doctest::Approx(open.accuracy));
  CHECK(open.exits[0].rows > 0);
  CHECK(open.mainnet_accuracy == alone.mainnet_accuracy);
  CHECK(open.accuracy > alone.accuracy);
  CHECK(open.compute_ratio < 1);
  CHECK(open.agreement < 1);
  CHECK(open.ms_per_row > 0);
  CHECK(open.mainnet_ms_per_row > 0);

  ExitPolicy policy;
  policy.always_exit = "layer1";
  const Evaluation first = evaluate(model, data, policy, how);
  CHECK(first.compute_ratio == doctest::Approx(model.exits()[0].compute_share));
  CHECK(first.exits[0].accuracy == first.accuracy);

  policy.always_exit = "layer7";
  CHECK_THROWS_AS(evaluate(model, data, policy, how), Error);
  Quarters bad(150, 2);
  bad.bad_row = 5;
  CHECK_THROWS_AS(evaluate(model, bad, {}, how), Error);
}
