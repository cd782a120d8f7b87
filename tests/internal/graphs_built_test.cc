#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <array>
#include <memory>
#include <thread>

#include "architecture.h"
#include "quarters.h"
#include "random_bert.h"
#include "random_model.h"
#include "safetensors.h"
#include "temporary_folder.h"
#include "text_checkpoint.h"

// How often a network's graph is built: once for a model, and once for each other input shape.
namespace {

using namespace sidenet;
using testing::TemporaryFolder;

template <class Call>
std::int64_t built_by(const Call& call) {
  const std::int64_t before = models::graphs_built();
  call();
  return models::graphs_built() - before;
}

testing::Weights image_weights() { return testing::random_cifar_resnet(1, 1, 4, 1, 4, false); }

Model image_model() {
  ModelData data = testing::describe(image_weights());
  data.preprocessing.resize = 16;
  testing::RandomWeights random(2);
  add_random_exit(random, data, "layer1", 2, 4 * 4, 8);
  return make_model(std::move(data));
}

Tensor images(std::int64_t size) {
  testing::RandomWeights random(3);
  return random.tensor({3, 1, size, size}, -2, 2);
}

// What the command asks of a model.
void ask_all(const Model& model) {
  for (int again = 0; again < 2; ++again) {
    CHECK_FALSE(model.exits().empty());
    CHECK_FALSE(model.taps().empty());
    CHECK_FALSE(model.nodes().empty());
  }
}

}  // namespace

TEST_CASE("one graph is built to load a model of images and to predict, and to evaluate it") {
  const TemporaryFolder folder;
  image_model().save(folder.at("model"));
  CHECK(built_by([&] {
          const Model model = Model::load(folder.at("model"));
          Session session(model), other(model);
          session.run(images(16), ExitPolicy::uniform(0.5));
          other.run_all_exits(images(16));
          ask_all(model);
        }) == 1);
  CHECK(built_by([&] {
          const testing::Quarters data(20, 1);
          evaluate(Model::load(folder.at("model")), data, ExitPolicy::uniform(0.5));
        }) == 1);
}

TEST_CASE("one graph is built for each other input shape") {
  const Model model = image_model();
  CHECK(built_by([&] {
          Session session(model);
          for (int again = 0; again < 3; ++again) session.run(images(20), ExitPolicy::uniform(0.5));
        }) == 1);
}

TEST_CASE("one graph is built to load a model of texts and to predict") {
  const testing::BertSize size;
  ModelData data = testing::describe_bert(testing::random_bert(1, size), size.heads);
  testing::RandomWeights random(2);
  add_random_text_exit(random, data, "encoder.layer.0", TokenPooling::cls, 16);
  const TemporaryFolder folder;
  make_model(std::move(data)).save(folder.at("model"));
  CHECK(built_by([&] {
          const Model model = Model::load(folder.at("model"));
          Session session(model);
          session.run(testing::random_texts(3, 5, 6, size), ExitPolicy::uniform(0.5));
          session.run(testing::random_texts(4, 2, size.positions, size), ExitPolicy::final_only());
          ask_all(model);
        }) == 1);
}

TEST_CASE("one graph is built to import a checkpoint, to describe and to run what comes of it") {
  const TemporaryFolder folder;
  testing::Weights weights = image_weights();
  weights["bn1.num_batches_tracked"] = Tensor(DType::i64, {});
  write_safetensors(folder.at("weights"), weights, {});
  CHECK(built_by([&] {
          const Model model = Model::import_checkpoint(folder.at("weights"));
          CHECK(model.tensors().size() == image_weights().size());
          ask_all(model);
          Session session(model);
          session.run(images(32), ExitPolicy::final_only());
        }) == 1);
  const testing::TextCheckpoint text(testing::random_bert(1, testing::small_bert()));
  CHECK(built_by([&] { ask_all(text.import()); }) == 1);
}

TEST_CASE("a model's training builds the graph of the trained model alone") {
  const Model model = image_model();
  CHECK(built_by([&] {
          TrainOptions options;
          options.taps = {"layer2"};
          options.epochs = 1;
          options.hidden = 4;
          train_sidenets(model, {std::make_shared<testing::Quarters>(40, 1)}, options);
        }) == 1);
}

TEST_CASE("what a model tells of its network is made once, whichever thread asks first") {
  const Model model = image_model(), copy = model;
  std::array<const void*, 8> told{};
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < told.size(); ++i)
    threads.emplace_back([&, i] {
      const Model& asked = i % 2 == 0 ? model : copy;
      told[i] = asked.taps().data();
      CHECK(asked.exits().size() == 2);
      CHECK(asked.nodes().size() > 3);
    });
  for (std::thread& thread : threads) thread.join();
  for (const void* one : told) CHECK(one == told[0]);
}
