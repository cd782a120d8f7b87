// What holds of every family of networks, and how checkpoints find theirs.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "families.h"

#include <doctest/doctest.h>

#include <set>

#include "golden_nets.h"
#include "image_files.h"
#include "random_bert.h"
#include "safetensors.h"

using namespace sidenet;
using namespace sidenet::testing;
using models::families, models::Family;

namespace {

Model import_weights(const Weights& weights) {
  const golden::TemporaryFile file("family.safetensors");
  write_safetensors(file.path(), weights, {});
  return Model::import_checkpoint(file.path(), {});
}

Weights small_resnet() { return random_cifar_resnet(3, 1, 4, 3, 5, true); }

Weights under(const std::string& prefix, const Weights& weights) {
  Weights result;
  for (const auto& [name, tensor] : weights) result[prefix + name] = tensor;
  return result;
}

}  // namespace

TEST_CASE("every family has a name of its own, and finds its landmarks behind a wrapper's path") {
  std::set<std::string> names;
  for (const Family* family : families()) {
    CAPTURE(family->name());
    CHECK(names.insert(family->name()).second);
    CHECK(family->is_called(family->name(), family->name() + "x"));
    CHECK_FALSE(family->is_called("x" + family->name(), family->name() + "x"));
    Weights weights;
    for (const std::string& landmark : family->landmarks())
      weights["wrapper." + landmark] = Tensor(DType::f32, {1});
    for (const Family* other : families()) {
      Weights cleaned = weights;
      const bool is_own = other == family;
      CHECK(other->clean_names(cleaned, "test").has_value() == is_own);
      if (!is_own) CHECK(cleaned.contains("wrapper." + family->landmarks().front()));
    }
    REQUIRE(family->clean_names(weights, "test").has_value());
    for (const std::string& landmark : family->landmarks()) {
      CHECK(weights.contains(landmark));
      CHECK(family->owns(landmark));
    }
  }
}

TEST_CASE("weights of no family are refused, and the message says what was looked for") {
  const std::string message = files::error_of([] {
    import_weights({{"x", Tensor(DType::f32, {1})}});
  });
  for (const Family* family : families()) {
    CHECK(message.find(family->title()) != std::string::npos);
    CHECK(message.find("'" + family->landmarks().front() + "', ") != std::string::npos);
  }
  CHECK(message.ends_with("…), found 1 tensors, first 'x'"));
}

TEST_CASE("a residual network's names are cleaned, and what stands elsewhere is told") {
  Weights weights = small_resnet();
  for (const char* layer : {"conv1", "bn1"}) {
    auto entry = weights.extract("layer2.0." + std::string(layer) + ".weight");
    entry.key() = "stage_2.0." +
                  std::string(layer).insert(layer == std::string("bn1") ? 2 : 4, "_") + ".weight";
    weights.insert(std::move(entry));
  }
  weights = under("model.", weights);
  weights["step"] = Tensor(DType::f32, {1});
  const Model model = import_weights(weights);
  CHECK(model.architecture() == "cifar_resnet8");
  CHECK(model.notes() == std::vector<std::string>{"left out, not part of a cifar_resnet8: 'step'"});
  Weights expected = small_resnet();
  CHECK(model.tensors().size() == expected.size());
  for (const auto& [name, tensor] : model.tensors()) CHECK(expected.contains(name));
  weights["model.stage1.0.conv1.weight"] = weights.at("model.layer1.0.conv1.weight");
  CHECK(files::error_of([&] { import_weights(weights); }).ends_with("stand for the same module"));
}

TEST_CASE("a leftover that a network owns is refused; others are left out with a note") {
  Weights weights = small_resnet();
  weights["bn1.num_batches_tracked"] = Tensor(DType::f32, {1});
  CHECK(import_weights(weights).notes().empty());
  weights["ema.decay"] = Tensor(DType::f32, {1});
  CHECK(import_weights(weights).notes() ==
        std::vector<std::string>{"left out, not part of a cifar_resnet8: 'ema.decay'"});
  for (const char* name : {"layer3.0.conv9.weight", "conv9.weight"}) {
    Weights more = weights;
    more[name] = Tensor(DType::f32, {1});
    CHECK(files::error_of([&] { import_weights(more); })
              .ends_with("unknown architecture: it looks like a cifar_resnet8, which has no place "
                         "for '" +
                         std::string(name) + "'"));
  }
}

TEST_CASE("a family's name, and its networks' by size, are what a user may ask for") {
  const Weights resnet = small_resnet(), bert = random_bert(1);
  const auto is_called = [](const Weights& weights, const std::string& asked) {
    return files::error_of([&] {
             models::recognise(models::Weights(weights, "test"), asked,
                               {{"num_attention_heads", "4"}});
           }) == "";
  };
  for (const char* asked : {"", "resnet", "cifar_resnet", "cifar_resnet8", "resnet8"})
    CHECK(is_called(resnet, asked));
  for (const char* asked : {"resnet18", "cifar", "bert", "vgg"})
    CHECK_FALSE(is_called(resnet, asked));
  for (const char* asked : {"", "bert", "bert-4x48"}) CHECK(is_called(bert, asked));
  for (const char* asked : {"distilbert", "bert-base", "resnet"})
    CHECK_FALSE(is_called(bert, asked));
}
