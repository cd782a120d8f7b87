// Text models and configurations that lie: each is refused in one line, wherever the lie stands.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include "sidenet/checkpoint.h"
#include "text_checkpoint.h"
#include "tried_files.h"

using namespace sidenet;
using namespace sidenet::testing;
using nlohmann::json;

namespace {

using Metadata = std::map<std::string, std::string>;

std::string rows_of_film_reviews() {
  std::string rows = "text\tlabel\n";
  for (const char* subject : {"the film", "a plot", "it", "the end", "the actor"}) {
    for (const char* verdict : {"good\t1", "fun\t1", "bad\t0", "dull\t0"})
      rows += std::string(subject) + " is " + verdict + "\n";
  }
  return rows;
}

BertSize headless() {
  BertSize size = small_bert();
  size.classes = 0;
  return size;
}

TrainOptions quick() {
  TrainOptions options;
  options.taps = {"encoder.layer.0"};
  options.hidden = 4;
  options.epochs = 1;
  options.execution.threads = 1;
  return options;
}

/// A model file with a fitted head and a SideNet, which tests then spoil.
struct ModelFile {
  files::Folder folder;
  std::string path = folder.path + "/model.safetensors";
  Checkpoint good;

  ModelFile() {
    const TextCheckpoint checkpoint(random_bert(4, headless()), config_of(headless()));
    checkpoint.folder.write("vocab.txt", lines(small_vocabulary()));
    TrainOptions options = quick();
    options.head = true;
    const auto data = Dataset::open(folder.write("rows.tsv", rows_of_film_reviews()));
    train_sidenets(checkpoint.import(), {data}, options).model.save(path);
    good = read_checkpoint(path);
  }

  std::string refusal(const std::function<void(Metadata&, Weights&)>& spoil) const {
    Metadata metadata = good.metadata;
    Weights weights = good.tensors;
    spoil(metadata, weights);
    const std::string spoilt = folder.path + "/spoilt.safetensors";
    write_safetensors(spoilt, weights, metadata);
    std::string message = files::error_of([&] {
      ++sidenet::testing::tried_files;
      Model::load(spoilt);
    });
    CHECK_MESSAGE(files::is_one_line(message), message);
    CHECK_MESSAGE(message.starts_with(spoilt), message);
    return message.substr(std::min(message.size(), spoilt.size()));
  }
  std::string refusal(const char* key, const std::function<void(json&)>& spoil) const {
    return refusal([&](Metadata& metadata, Weights&) {
      json value = json::parse(metadata.at(key));
      spoil(value);
      metadata[key] = value.dump();
    });
  }
};

std::string nested(std::size_t levels) {
  return std::string(levels, '[') + std::string(levels, ']');
}

}  // namespace

TEST_CASE("JSON that nests deeper than any of ours") {
  const ModelFile model;
  for (const char* key : {"sidenet.architecture", "sidenet.labels", "sidenet.exits", "sidenet.head",
                          "sidenet.vocabulary", "sidenet.tokenizer"}) {
    const std::string message =
        model.refusal([&](Metadata& metadata, Weights&) { metadata[key] = nested(200'000); });
    CHECK(message == std::string(": metadata '") + key +
                         "': expected JSON of at most 64 levels, got more at byte 65");
  }
  const TextCheckpoint checkpoint(random_bert(1, small_bert()));
  for (const char* key : {"architectures", "id2label", "hidden_act", "anything"}) {
    checkpoint.folder.write("config.json",
                            std::string("{\"") + key + "\": " + nested(200'000) + "}");
    CHECK(files::error_of([&] {
            ++sidenet::testing::tried_files;
            checkpoint.import();
          }) == checkpoint.folder.path +
                    "/config.json: expected JSON of at most 64 levels, got more at byte " +
                    std::to_string(69 + std::strlen(key)));
  }
}

TEST_CASE("JSON of more values than any of ours") {
  const ModelFile model;
  const auto many = [](const std::string& value, int count) {
    std::string list = "[" + value;
    for (int i = 1; i < count; ++i) list += "," + value;
    return list + "]";
  };
  const auto refusal = [&](const char* key, const std::string& text) {
    return model.refusal([&](Metadata& metadata, Weights&) { metadata[key] = text; });
  };
  CHECK(refusal("sidenet.labels", many("\"\"", 300'000)) ==
        ": metadata 'sidenet.labels'[262144]: expected at most 262144 strings, got more");
  CHECK(
      refusal("sidenet.exits", many("0", 70'000)) ==
      ": metadata 'sidenet.exits': expected JSON of at most 65536 values, got more at byte 131073");
}

TEST_CASE("exits that read another exit, or a head that is not at the end") {
  const ModelFile model;
  CHECK(model.refusal("sidenet.exits", [](json& exits) { exits[0]["tap"] = "exits.final"; })
            .find("no node") != std::string::npos);
  CHECK(model.refusal([](Metadata& metadata, Weights& weights) {
    json exits = json::parse(metadata.at("sidenet.exits"));
    json second = exits[0];
    second["name"] = "second";
    second["tap"] = "exits.encoder.layer.0";
    exits.push_back(second);
    metadata["sidenet.exits"] = exits.dump();
    for (const char* name : {"mean", "std", "fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"})
      weights["exits.second." + std::string(name)] =
          weights.at("exits.encoder.layer.0." + std::string(name));
  }) == ": exit 'second': expected a tap inside MainNet, got 'exits.encoder.layer.0'");
  for (const char* tap : {"exits.encoder.layer.0", "encoder.layer.0"}) {
    CHECK(model.refusal("sidenet.head", [&](json& head) { head["tap"] = tap; }) ==
          std::string(": exit 'final': expected a tap at MainNet's last layer, got '") + tap + "'");
  }
}

TEST_CASE("SideNets of no width, and standard deviations of 0") {
  const ModelFile model;
  CHECK(model.refusal("sidenet.exits", [](json& exits) { exits[0]["hidden"] = 1 << 20; }) ==
        ": exit 'encoder.layer.0': hidden: expected 4 (fc1.weight), got 1048576");
  const auto spoil = [&](const std::vector<std::pair<std::string, Shape>>& tensors) {
    return model.refusal([&](Metadata&, Weights& weights) {
      for (const auto& [name, shape] : tensors)
        weights["exits.encoder.layer.0." + name] = Tensor(DType::f32, shape);
    });
  };
  const std::int64_t features = model.good.tensors.at("exits.encoder.layer.0.mean").size();
  CHECK(spoil({{"fc1.weight", {0, features}}, {"fc1.bias", {0}}, {"fc2.weight", {2, 0}}}) ==
        ": exit 'encoder.layer.0': SideNet: expected at least one hidden unit and one class, got 0 "
        "and 2");
  CHECK(spoil({{"std", {features}}}) ==
        ": exit 'encoder.layer.0': SideNet tensor std: expected values above 0, got 0.000000 at 0");
}

TEST_CASE("a model that knows no class") {
  const ModelFile model;
  CHECK(model.refusal([](Metadata& metadata, Weights&) { metadata["sidenet.labels"] = "[]"; }) ==
        ": metadata 'sidenet.labels': expected at least one label");
}

TEST_CASE("encoders of no width") {
  for (const bool as_model : {false, true}) {
    const auto narrow = [](Weights& weights) {
      for (const char* layer : {"0", "1"}) {
        const std::string name = std::string("encoder.layer.") + layer;
        weights[name + ".intermediate.dense.weight"] = Tensor(DType::f32, {0, 12});
        weights[name + ".intermediate.dense.bias"] = Tensor(DType::f32, {0});
        weights[name + ".output.dense.weight"] = Tensor(DType::f32, {12, 0});
      }
    };
    std::string message;
    if (as_model) {
      message = ModelFile().refusal([&](Metadata&, Weights& weights) { narrow(weights); });
    } else {
      Weights weights = random_bert(1, small_bert());
      narrow(weights);
      json config = config_of(small_bert());
      config["intermediate_size"] = 0;
      const TextCheckpoint checkpoint(weights, config);
      message = files::error_of([&] {
        ++sidenet::testing::tried_files;
        checkpoint.import();
      });
    }
    CHECK_MESSAGE(message.find("'encoder.layer.0.intermediate.dense.weight': expected shape (any, "
                               "any) without a 0, got (0, 12)") != std::string::npos,
                  message);
  }
}

TEST_CASE("a head for every token is not one for the text") {
  Weights weights = random_bert(1, small_bert());
  weights.erase("pooler.dense.weight");
  weights.erase("pooler.dense.bias");
  const TextCheckpoint checkpoint(weights);
  const std::string message = files::error_of([&] {
    ++sidenet::testing::tried_files;
    checkpoint.import();
  });
  CHECK_MESSAGE(message.find("labels tokens, not texts") != std::string::npos, message);
}

TEST_CASE(
    "a kept cache does not serve another configuration of the same weights, nor another head") {
  const files::Folder folder;
  const auto data = Dataset::open(folder.write("rows.tsv", rows_of_film_reviews()));
  TrainOptions options = quick();
  options.cache_dir = folder.path + "/cache";
  options.keep_cache = true;
  const auto caches = [&] {
    return std::distance(std::filesystem::directory_iterator(options.cache_dir),
                         std::filesystem::directory_iterator());
  };
  const auto train = [&](const char* activation, std::uint64_t seed_of_head) {
    json config = config_of(headless());
    config["hidden_act"] = activation;
    const TextCheckpoint checkpoint(random_bert(4, headless()), config);
    checkpoint.folder.write("vocab.txt", lines(small_vocabulary()));
    TrainOptions head = quick();
    head.taps.clear();
    head.head = true;
    head.seed = seed_of_head;
    const Model model = train_sidenets(checkpoint.import(), {data}, head).model;
    train_sidenets(model, {data}, options);
  };
  train("gelu", 1);
  CHECK(caches() == 1);
  train("gelu", 1);
  CHECK(caches() == 1);
  train("relu", 1);
  CHECK(caches() == 2);
  train("gelu", 2);
  CHECK(caches() == 3);
}

TEST_CASE("integers as classes of a fitted head stand by value") {
  const files::Folder folder;
  std::string rows = "text\tlabel\n";
  for (int i = 0; i < 48; ++i)
    rows += "the film " + small_vocabulary()[static_cast<std::size_t>(5 + i % 20)] + "\t" +
            std::to_string(i % 12) + "\n";
  const auto data = Dataset::open(folder.write("rows.tsv", rows));
  const TextCheckpoint checkpoint(random_bert(4, headless()), config_of(headless()));
  checkpoint.folder.write("vocab.txt", lines(small_vocabulary()));
  TrainOptions options = quick();
  options.head = true;
  const Model model = train_sidenets(checkpoint.import(), {data}, options).model;
  REQUIRE(model.labels().size() == 12);
  for (int i = 0; i < 12; ++i)
    CHECK(model.labels()[static_cast<std::size_t>(i)] == std::to_string(i));
}
