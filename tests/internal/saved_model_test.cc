// Whatever save() writes, load() takes; what it would refuse is refused when the model is made.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "model_metadata.h"
#include "random_model.h"
#include "text_checkpoint.h"

using namespace sidenet;
using namespace sidenet::testing;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN(),
                 kInf = std::numeric_limits<double>::infinity();

ModelData images() {
  ModelData data = describe(random_cifar_resnet(1, 1, 8, 3, 4, false));
  RandomWeights random(2);
  add_random_exit(random, data, "layer1.0", 2, 8 * 4, 5);
  return data;
}

ModelData texts() {
  const TextCheckpoint checkpoint(random_bert(3, small_bert()), config_of(small_bert()));
  checkpoint.folder.write("vocab.txt", lines(small_vocabulary()));
  return data_of(checkpoint.import());
}

/// Why the model cannot be made; empty where it can, and its file can be loaded.
std::string refusal(ModelData data) {
  const files::Folder folder;
  const std::string path = folder.path + "/model.safetensors";
  std::optional<Model> model;
  const std::string message = files::error_of([&] { model = make_model(std::move(data)); });
  if (model) {
    model->save(path);
    CHECK(files::error_of([&] { Model::load(path); }) == "");
  } else {
    CHECK_MESSAGE(files::is_one_line(message), message);
  }
  return message;
}

using Change = std::function<void(ModelData&)>;
bool is_refused(ModelData data, const Change& change) {
  change(data);
  return !refusal(std::move(data)).empty();
}
bool images_refused(const Change& change) { return is_refused(images(), change); }
bool texts_refused(const Change& change) { return is_refused(texts(), change); }

Certificate some_certificate() {
  Certificate certificate;
  certificate.risk = Risk::drop;
  certificate.epsilon = 0.01, certificate.delta = 0.1, certificate.rows = 100;
  certificate.method = "test";
  certificate.thresholds = {{"layer1.0", 0.5}};
  return certificate;
}

}  // namespace

TEST_CASE("models as they are") {
  CHECK(refusal(images()) == "");
  CHECK(refusal(texts()) == "");
}

TEST_CASE("preprocessing") {
  for (const double mean : {kNan, kInf, -kInf, 1.1e6, -1.1e6})
    CHECK(images_refused([&](ModelData& data) {
      data.preprocessing.mean = {0, 0, static_cast<float>(mean)};
    }));
  for (const double std : {kNan, kInf, 0.0, -1.0, 1e-13, 1.1e6})
    CHECK(images_refused([&](ModelData& data) {
      data.preprocessing.std = {1, 1, static_cast<float>(std)};
    }));
  for (const int side : {-1, Preprocessing::kMaxPixels + 1}) {
    CHECK(images_refused([&](ModelData& data) { data.preprocessing.resize = side; }));
    CHECK(images_refused([&](ModelData& data) { data.preprocessing.crop = side; }));
  }
  for (const int channels : {-1, 0, 1, 4})
    CHECK(images_refused([&](ModelData& data) { data.preprocessing.channels = channels; }));
  CHECK(!images_refused([](ModelData& data) { data.preprocessing.mean = {-1e6f, 1e6f, 0}; }));
  CHECK(!images_refused([](ModelData& data) { data.preprocessing.std = {1.01e-12f, 1e6f, 1}; }));
}

TEST_CASE("exits and the final head") {
  for (const double temperature : {kNan, kInf, 0.0, -1.0, 1e-7, 1.1e6}) {
    CHECK(images_refused([&](ModelData& data) { data.exits[0].temperature = temperature; }));
    CHECK(images_refused([&](ModelData& data) { data.final_temperature = temperature; }));
  }
  for (const double threshold : {kNan, kInf, -0.1, 1.1e6})
    CHECK(images_refused([&](ModelData& data) { data.exits[0].threshold = threshold; }));
  for (const int pool : {0, -1, 1025})
    CHECK(images_refused([&](ModelData& data) { data.exits[0].pooling.grid = pool; }));
  for (const int hidden : {0, 4, (1 << 20) + 1})
    CHECK(images_refused([&](ModelData& data) { data.exits[0].hidden = hidden; }));
  for (const char* name : {"", "final"})
    CHECK(images_refused([&](ModelData& data) { data.exits[0].name = name; }));
  CHECK(images_refused([](ModelData& data) { data.exits.push_back(data.exits[0]); }));
  CHECK(images_refused([](ModelData& data) { data.exits[0].tap = "layer9"; }));
}

TEST_CASE("labels") {
  CHECK(images_refused([](ModelData& data) { data.labels.pop_back(); }));
  CHECK(images_refused([](ModelData& data) { data.labels.clear(); }));
  CHECK(images_refused(
      [](ModelData& data) { data.labels[1].assign((std::size_t{1} << 20) + 1, 'x'); }));
  CHECK(!images_refused([](ModelData& data) { data.labels[1] = "not \xff UTF-8"; }));
}

TEST_CASE("labels of the training data: one a class, or none; no two alike") {
  const auto refused = [](auto change) {
    return images_refused([&](ModelData& data) {
      data.data_labels.resize(data.labels.size());
      change(data.data_labels);
    });
  };
  CHECK(!refused([](auto& labels) { labels[0] = "1", labels[1] = "2"; }));
  CHECK(!refused([](auto& labels) { labels[1] = "2"; }));
  CHECK(refused([](auto& labels) { labels[0] = labels[1] = "2"; }));
  CHECK(refused([](auto& labels) { labels.pop_back(); }));
  CHECK(refused([](auto& labels) { labels.emplace_back("9"); }));
}

TEST_CASE("certificates") {
  const auto refused = [](const std::function<void(Certificate&)>& change) {
    return images_refused([&](ModelData& data) {
      data.certificate = some_certificate();
      change(*data.certificate);
    });
  };
  CHECK(!refused([](Certificate&) {}));
  for (const double share : {kNan, -0.5, 1.5}) {
    CHECK(refused([&](Certificate& c) { c.epsilon = share; }));
    CHECK(refused([&](Certificate& c) { c.delta = share; }));
    CHECK(refused([&](Certificate& c) { c.accuracy = share; }));
    CHECK(refused([&](Certificate& c) { c.disagreement_bound = share; }));
  }
  CHECK(refused([](Certificate& c) { c.risk = static_cast<Risk>(9); }));
  CHECK(refused([](Certificate& c) { c.rows = 0; }));
  CHECK(refused([](Certificate& c) { c.compute = kNan; }));
  CHECK(refused([](Certificate& c) { c.thresholds["layer1.0"] = kInf; }));
}

TEST_CASE("tokenizers") {
  const auto refused = [](const std::function<void(TokenizerOptions&)>& change) {
    return texts_refused([&](ModelData& data) {
      TokenizerOptions options = data.tokenizer->options();
      change(options);
      data.tokenizer = Tokenizer(small_vocabulary(), options, "vocabulary");
    });
  };
  CHECK(!refused([](TokenizerOptions&) {}));
  CHECK(!refused([](TokenizerOptions& o) { o.max_word_characters = 1000; }));
  CHECK(refused([](TokenizerOptions& o) { o.max_tokens = 17; }));
  CHECK(!refused([](TokenizerOptions& o) { o.max_tokens = 16; }));
}

TEST_CASE("what import is told") {
  const files::Folder folder;
  const std::string path = folder.path + "/checkpoint.safetensors";
  write_safetensors(path, random_cifar_resnet(1, 1, 8, 3, 4, false), {});
  const auto message = [&](const std::vector<float>& mean, const std::vector<float>& std) {
    ImportOptions options;
    options.mean = mean, options.std = std;
    return files::error_of([&] { Model::import_checkpoint(path, options); });
  };
  const auto inf = static_cast<float>(kInf), nan = static_cast<float>(kNan);
  CHECK(message({0, 0, 0}, {1, 1, 1}) == "");
  CHECK(message({0, inf, 0}, {1, 1, 1}) == "mean: expected values from -1e+06 to 1e+06, got inf");
  CHECK(message({0, nan, 0}, {1, 1, 1}) == "mean: expected values from -1e+06 to 1e+06, got nan");
  CHECK(message({0, 0, 0}, {1, 1, inf}) == "std: expected values from 1e-12 to 1e+06, got inf");
  CHECK(message({0, 0, 0}, {1, 1, nan}) == "std: expected values from 1e-12 to 1e+06, got nan");
  CHECK(message({0, 0, 0}, {1, 0, 1}) == "std: expected values from 1e-12 to 1e+06, got 0");
}

TEST_CASE("a file that could not be read again is not written") {
  const files::Folder folder;
  const std::string path = folder.path + "/file.safetensors";
  const Tensor tensor(DType::f32, {1});
  CHECK(files::error_of([&] {
          write_safetensors(path, {{"\xff", tensor}}, {});
        }).find("UTF-8") != std::string::npos);
  std::map<std::string, std::string> many;
  for (int i = 0; i < 70'000; ++i) many[std::to_string(i)] = "";
  CHECK(files::error_of([&] { write_safetensors(path, {{"x", tensor}}, many); }).starts_with(path));
  CHECK(files::error_of([&] {
          write_safetensors(path, {{"x", tensor}}, {{"long", std::string(40 << 20, 'x')}});
        }).starts_with(path));
  CHECK(!std::filesystem::exists(path));
}
