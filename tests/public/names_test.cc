// Networks whose tensors are called, wrapped, pruned or normed in many ways, as PyTorch answers
// (tests/golden/make_name_goldens.py).
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <algorithm>

#include "golden_texts.h"
#include "sidenet/sidenet.h"

namespace {

using golden::Json;
using sidenet::Model;

const std::string kFamily = "names";

Model import_net(const Json& index, const std::string& net) {
  const Json& said = index.at("nets").at(net);
  const golden::TemporaryFile folder(net);
  if (said.contains("config")) {
    golden::write_text_checkpoint(index, net, folder.path());
  } else {
    std::filesystem::create_directory(folder.path());
    golden::write_checkpoint(index, net, folder.path() + "/model.safetensors");
  }
  sidenet::ImportOptions options;
  options.settings = said.at("settings").get<decltype(options.settings)>();
  return Model::import_checkpoint(folder.path(), options);
}

sidenet::Batch batch_of(const Json& one) {
  const auto shape = one.at("inputs").get<sidenet::Shape>();
  if (shape.size() == 4) return {.inputs = golden::inputs(one.at("key"), shape)};
  const Json row = {shape.at(1), shape.at(1)};
  return {.tokens = golden::token_rows(one.at("key"), Json::array({row, row}), 50)};
}

}  // namespace

TEST_CASE("each network gives PyTorch's logits, and its file does too") {
  const Json index = golden::read_json("index.json", kFamily);
  REQUIRE(index.at("cases").size() == 36);
  for (const Json& one : index.at("cases")) {
    const std::string net = one.at("net");
    CAPTURE(net);
    const sidenet::Tensor logits = golden::read_npy(one.at("logits"), kFamily);
    const Model model = import_net(index, net);
    const Model checked = checked_against(model, batch_of(one), logits);
    CHECK(checked.checked()->difference < 1e-5);
    for (const std::string tap : index.at("nets").at(net).at("taps")) {
      CHECK(std::any_of(model.taps().begin(), model.taps().end(),
                        [&](const auto& known) { return known.first == tap; }));
    }
    const golden::TemporaryFile file(net + ".safetensors");
    model.save(file.path());
    CHECK_NOTHROW(checked_against(Model::load(file.path()), batch_of(one), logits));
  }
}

TEST_CASE("one logit is a sigmoid's: two classes, the second with its probability") {
  const Json index = golden::read_json("index.json", kFamily);
  const auto is_it = [](const Json& one) { return one.at("net") == "one_logit"; };
  const Json one = *std::find_if(index.at("cases").begin(), index.at("cases").end(), is_it);
  const sidenet::Tensor logits = golden::read_npy(one.at("logits"), kFamily);
  const Model model = import_net(index, "one_logit");
  CHECK(model.labels() == std::vector<std::string>{"0", "1"});
  sidenet::Session session(model);
  const auto answers = session.run(batch_of(one), sidenet::ExitPolicy::final_only());
  for (std::int64_t row = 0; row < 2; ++row) {
    const float z = logits.data<float>()[row];
    CHECK(answers.logits.data<float>()[2 * row] == 0);
    CHECK(answers.logits.data<float>()[2 * row + 1] == doctest::Approx(z).epsilon(1e-5));
  }
}

TEST_CASE("what a weight does not tell of a head is refused, or an assumption") {
  Json index = golden::read_json("index.json", kFamily);
  const auto refusal = [&](const std::string& net) {
    index["nets"][net]["settings"] = Json::object();
    try {
      import_net(index, net);
    } catch (const sidenet::Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(refusal("one_logit").find("--one-logit sigmoid") != std::string::npos);
  CHECK(refusal("fc_fc2").find("--head names the head's modules") != std::string::npos);
  CHECK(refusal("both_pools").find("--head-pool max+average or average+max") != std::string::npos);
  CHECK(refusal("neck").find("'bottleneck.bias'") != std::string::npos);
  for (const char* net : {"bert_pooler", "bert_cls", "bert_mean"})
    CHECK(refusal(net).find("--head-input pooler, cls or mean") != std::string::npos);
  const auto assumption = [&](const std::string& net, const std::string& what) {
    const Model model = import_net(index, net);
    for (const sidenet::Assumption& each : model.assumptions()) {
      if (each.what == what) return std::string(name_of(each.source)) + " " + each.value;
    }
    return std::string();
  };
  CHECK(assumption("two_layers", "head") == "default classifier.1, relu, classifier.4");
  CHECK(assumption("two_layers", "head activation") == "default relu");
  CHECK(assumption("adjacent", "head activation") == "");
  CHECK(assumption("children_pool", "stem pool") == "weights max");
  CHECK(assumption("children_fastai", "head pool") == "default max+average");
  CHECK(assumption("children", "stem pool") == "weights none");
  CHECK(assumption("transformers_v1", "bottleneck stride") == "config 1x1");
  CHECK(assumption("transformers_basic", "strides") == "config 2,2,2,2");
}
