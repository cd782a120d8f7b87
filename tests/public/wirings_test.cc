// What a state dict does not say: networks of the same names and shapes that PyTorch computes in
// other ways (tests/golden/make_wiring_goldens.py).
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "golden_nets.h"
#include "sidenet/sidenet.h"

namespace {

using golden::Json;
using sidenet::Assumption, sidenet::AssumptionSource, sidenet::Model;

const std::string kFamily = "wirings";

Model import_net(const Json& index, const std::string& net, bool told) {
  const golden::TemporaryFile checkpoint(net + ".safetensors");
  golden::write_checkpoint(index, net, checkpoint.path());
  sidenet::ImportOptions options;
  options.preprocess = sidenet::PreprocessingPreset::none;
  if (told)
    options.settings = index.at("nets").at(net).at("settings").get<decltype(options.settings)>();
  return Model::import_checkpoint(checkpoint.path(), options);
}

std::string error_of(const auto& call) {
  try {
    call();
  } catch (const sidenet::Error& error) {
    return error.what();
  }
  return "";
}

// The same bits for a row by itself, and on any number of threads.
void check_rows_are_alone(const Model& model, const sidenet::Batch& inputs) {
  sidenet::SessionOptions two;
  two.execution.threads = 2;
  sidenet::Session alone(model), shared(model, two);
  const auto policy = sidenet::ExitPolicy::final_only();
  const sidenet::Tensor both = alone.run(inputs, policy).logits;
  CHECK(golden::same_bits(shared.run(inputs, policy).logits, both));
  for (std::int64_t row = 0; row < 2; ++row) {
    const sidenet::Batch one{.inputs = golden::row_of(inputs.inputs, row)};
    CHECK(golden::same_bits(alone.run(one, policy).logits, golden::row_of(both, row)));
    CHECK(golden::same_bits(shared.run(one, policy).logits, golden::row_of(both, row)));
  }
}

const Assumption& named(const Model& model, std::string setting) {
  std::replace(setting.begin(), setting.end(), '_', ' ');
  const auto& all = model.assumptions();
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const Assumption& each) { return each.what == setting; });
  REQUIRE(found != all.end());
  return *found;
}

}  // namespace

TEST_CASE("each wiring has its setting, and the check tells it from the usual one") {
  const Json index = golden::read_json("index.json", kFamily);
  REQUIRE(index.at("cases").size() == 28);
  for (const Json& one : index.at("cases")) {
    const std::string net = one.at("net");
    CAPTURE(net);
    const sidenet::Batch inputs{
        .inputs = golden::inputs(one.at("key"), one.at("inputs").get<sidenet::Shape>())};
    const sidenet::Tensor logits = golden::read_npy(one.at("logits"), kFamily);
    const Model told = import_net(index, net, true);
    CHECK_FALSE(told.checked().has_value());
    const Model checked = checked_against(told, inputs, logits);
    REQUIRE(checked.checked().has_value());
    check_rows_are_alone(told, inputs);
    CHECK(checked.checked()->rows == 2);
    CHECK(checked.checked()->difference <= sidenet::kCheckTolerance);

    const Json& settings = index.at("nets").at(net).at("settings");
    for (const auto& [setting, value] : settings.items()) {
      CHECK(named(told, setting).value == value.get<std::string>());
      CHECK(named(told, setting).source == AssumptionSource::option);
    }
    if (settings.empty()) continue;
    if (index.at("nets").at(net).value("untold", false)) {
      const std::string refusal = error_of([&] { import_net(index, net, false); });
      for (const char* option : {"--shortcut-input", "--norm-groups"}) {
        std::string setting = std::string(option).substr(2);
        std::replace(setting.begin(), setting.end(), '-', '_');
        CHECK((refusal.find(option) != std::string::npos) == settings.contains(setting));
      }
      continue;
    }
    const Model usual = import_net(index, net, false);
    for (const auto& [setting, value] : settings.items()) {
      CHECK(named(usual, setting).value != value.get<std::string>());
      CHECK(named(usual, setting).source == AssumptionSource::default_value);
    }
    const std::string error = error_of([&] { checked_against(usual, inputs, logits); });
    CHECK(error.find("check: row ") != std::string::npos);
    CHECK(error.size() < 300);
  }
}

TEST_CASE("a model file keeps the settings, what was taken for granted and the check's outcome") {
  const Json index = golden::read_json("index.json", kFamily);
  const Json& one = index.at("cases").at(5);
  const std::string net = one.at("net");
  REQUIRE(net == "strides");
  const sidenet::Batch inputs{
      .inputs = golden::inputs(one.at("key"), one.at("inputs").get<sidenet::Shape>())};
  const sidenet::Tensor logits = golden::read_npy(one.at("logits"), kFamily);
  const Model model = checked_against(import_net(index, net, true), inputs, logits);
  const golden::TemporaryFile file("kept.safetensors");
  model.save(file.path());
  const Model loaded = Model::load(file.path());
  REQUIRE(loaded.assumptions().size() == model.assumptions().size());
  for (std::size_t i = 0; i < model.assumptions().size(); ++i) {
    CHECK(loaded.assumptions()[i].what == model.assumptions()[i].what);
    CHECK(loaded.assumptions()[i].value == model.assumptions()[i].value);
    CHECK(loaded.assumptions()[i].source == model.assumptions()[i].source);
  }
  REQUIRE(loaded.checked().has_value());
  CHECK(loaded.checked()->difference == model.checked()->difference);
  CHECK(loaded.digest() == model.digest());
  CHECK(loaded.file_problem() == "");
  CHECK_NOTHROW(checked_against(loaded, inputs, logits));
}

TEST_CASE("the check refuses what cannot be compared") {
  const Json index = golden::read_json("index.json", kFamily);
  const Json& one = index.at("cases").at(9);
  const Model model = import_net(index, one.at("net"), false);
  const sidenet::Batch inputs{
      .inputs = golden::inputs(one.at("key"), one.at("inputs").get<sidenet::Shape>())};
  const auto error = [&](const sidenet::Batch& rows, const sidenet::Tensor& logits) {
    return error_of([&] { checked_against(model, rows, logits); });
  };
  const sidenet::Tensor good = golden::read_npy(one.at("logits"), kFamily);
  CHECK(error(inputs, good) == "");
  CHECK(error(inputs, golden::row_of(good, 0)).find("expected logits (2, 10) float32") !=
        std::string::npos);
  CHECK(error({}, good).find("expected rows, got none") != std::string::npos);
  std::vector<float> values(good.data<float>(), good.data<float>() + good.size());
  values[3] = std::nanf("");
  const std::string nan = error(inputs, sidenet::Tensor::from(good.shape(), values));
  CHECK(nan.find("row 0, class 3") != std::string::npos);
  CHECK(nan.ends_with("PyTorch's hold NaN"));
  const std::int64_t classes = good.dim(1);
  std::vector<float> turned, softmax, logarithms;
  for (std::int64_t row = 0; row < good.dim(0); ++row) {
    const float* begin = good.data<float>() + row * classes;
    turned.insert(turned.end(), std::reverse_iterator(begin + classes),
                  std::reverse_iterator(begin));
    float sum = 0;
    for (std::int64_t i = 0; i < classes; ++i) sum += std::exp(begin[i]);
    for (std::int64_t i = 0; i < classes; ++i) softmax.push_back(std::exp(begin[i]) / sum);
    for (std::int64_t i = 0; i < classes; ++i) logarithms.push_back(begin[i] - std::log(sum));
  }
  const auto of = [&](const std::vector<float>& logits) {
    return error(inputs, sidenet::Tensor::from(good.shape(), logits));
  };
  CHECK(of(turned).ends_with("the same logits in another order of the classes"));
  CHECK(of(softmax).find("are probabilities: expected logits") != std::string::npos);
  CHECK(of(logarithms).ends_with("are logarithms of probabilities: expected logits"));
}

TEST_CASE("a setting that the network does not have, or another value, is refused") {
  const Json index = golden::read_json("index.json", kFamily);
  const golden::TemporaryFile plain("plain.safetensors"), cifar("cifar.safetensors");
  golden::write_checkpoint(index, "plain", plain.path());
  golden::write_checkpoint(index, "cifar_plain", cifar.path());
  const auto error = [&](const golden::TemporaryFile& file, const std::string& setting,
                         const std::string& value) {
    sidenet::ImportOptions options;
    options.settings[setting] = value;
    return error_of([&] { Model::import_checkpoint(file.path(), options); });
  };
  const struct {
    const golden::TemporaryFile& file;
    std::string setting, value, expected;
  } cases[] = {{plain, "stem_stride", "0", "expected 1 to 4, got '0'"},
               {plain, "stem_stride", "2x", "expected 1 to 4, got '2x'"},
               {plain, "stem_padding", "9", "expected 0 to 8"},
               {plain, "stem_pool", "average", "expected max or none"},
               {plain, "strides", "1,2,2", "expected 4 numbers of 1 or 2 with commas"},
               {plain, "strides", "1,2,2,2,", "expected 4 numbers of 1 or 2 with commas"},
               {plain, "strides", "1,2,2,3", "expected 4 numbers of 1 or 2 with commas"},
               {plain, "bottleneck_stride", "1x1", "its blocks have no 1x1 convolutions"},
               {plain, "shortcut_zeros", "both", "its shortcuts have weights ('downsample')"},
               {plain, "shortcut_pool", "average", "its shortcuts have weights ('downsample')"},
               {plain, "shortcut_input", "raw", "no 1x1 shortcuts beside norms in front"},
               {plain, "basic_stride", "third", "expected second or first"},
               {plain, "output_stride", "12", "expected none, 4, 8 or 16"},
               {plain, "antialias", "median", "expected none, average or blur"},
               {plain, "norm_groups", "8", "its norms have running statistics"},
               {plain, "head_pool", "avg", "expected average, max, max+average or average+max"},
               {plain, "head_pool", "max+average", "the head reads the network's features once"},
               {cifar, "shortcut_zeros", "front", "expected both, behind or before"},
               {plain, "epsilon", "-1", "expected a number from 0 to 1"},
               {plain, "epsilon", "nan", "expected a number from 0 to 1"},
               {plain, "activation", "none", "expected relu, gelu, gelu_tanh or tanh"},
               {plain, "attention_heads", "4", "'attention_heads' is none of a ResNet"}};
  for (const auto& one : cases) {
    CAPTURE(one.setting + "=" + one.value);
    CHECK(error(one.file, one.setting, one.value).find(one.expected) != std::string::npos);
  }
}
