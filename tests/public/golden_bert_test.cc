// Logits of texts against those of transformers' BERTs with generated weights
// (tests/golden/make_bert_goldens.py). The bound is the project's: max |difference| <= 1e-4 * max
// |logit|.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <numeric>

#include "golden_texts.h"
#include "sidenet/sidenet.h"

namespace {

using golden::Json;

constexpr float kTolerance = 1e-4f;

Json read_index() { return golden::read_json("index.json", "bert"); }

sidenet::Model import_generated(const Json& index, const std::string& net) {
  const golden::TemporaryFile folder(net);
  golden::write_text_checkpoint(index, net, folder.path());
  return sidenet::Model::import_checkpoint(folder.path());
}

sidenet::Tensor logits_of(sidenet::Session& session, const sidenet::TokenRows& rows) {
  return session.run(rows, sidenet::ExitPolicy::final_only()).logits;
}

sidenet::Session session_of(const sidenet::Model& model, int threads) {
  sidenet::SessionOptions options;
  options.execution.threads = threads;
  return sidenet::Session(model, options);
}

// The batch at two threads and at one, each row alone, and all rows backwards.
float check_case(const sidenet::Model& model, const Json& index, const Json& golden_case) {
  const sidenet::TokenRows rows = golden::token_rows(index, golden_case);
  const sidenet::Tensor expected = golden::read_npy(golden_case.at("logits"), "bert");
  sidenet::Session session = session_of(model, 2);
  const sidenet::Tensor logits = logits_of(session, rows);
  const golden::Comparison comparison = golden::compare(logits, expected);
  CHECK(comparison.max_difference <= kTolerance * comparison.max_magnitude);

  std::vector<std::int64_t> order(static_cast<std::size_t>(rows.rows()));
  std::iota(order.rbegin(), order.rend(), 0);
  sidenet::Session single = session_of(model, 1);
  const sidenet::Tensor backwards = logits_of(single, golden::pick_rows(rows, order));
  for (std::int64_t row = 0; row < rows.rows(); ++row) {
    CAPTURE(row);
    const sidenet::Tensor in_batch = golden::row_of(logits, row);
    CHECK(golden::same_bits(golden::row_of(backwards, rows.rows() - 1 - row), in_batch));
    CHECK(golden::same_bits(logits_of(session, golden::pick_rows(rows, {row})), in_batch));
  }
  return comparison.relative();
}

// All cases of one net with a head; the largest difference.
float check_net(const Json& index, const std::string& net) {
  CAPTURE(net);
  const sidenet::Model model = import_generated(index, net);
  CHECK(model.is_text());
  CHECK(model.has_head());
  CHECK(model.notes() ==
        std::vector<std::string>{"no vocab.txt or tokenizer.json: the model takes token ids only"});
  CHECK(model.architecture() == index.at("nets").at(net).at("architecture").get<std::string>());
  float worst = 0;
  for (const Json& golden_case : index.at("cases")) {
    if (golden_case.at("net") != net) continue;
    const std::string key = golden_case.at("key");
    CAPTURE(key);
    worst = std::max(worst, check_case(model, index, golden_case));
  }
  return worst;
}

Json case_of(const Json& index, const std::string& key) {
  const auto is_it = [&](const Json& one) { return one.at("key") == key; };
  return *std::find_if(index.at("cases").begin(), index.at("cases").end(), is_it);
}

struct Golden {
  Json index, one_case;
  Json& config() { return index.at("nets").at(one_case.at("net").get<std::string>()).at("config"); }
};

// A net, or what it is given, changed: the goldens are still those of the unchanged.
void check_change_is_seen(const std::string& key, const std::function<void(Golden&)>& change) {
  CAPTURE(key);
  Golden golden{read_index(), case_of(read_index(), key)};
  change(golden);
  const sidenet::Model model = import_generated(golden.index, golden.one_case.at("net"));
  sidenet::Session session = session_of(model, 2);
  const sidenet::Tensor logits =
      logits_of(session, golden::token_rows(golden.index, golden.one_case));
  const golden::Comparison comparison =
      golden::compare(logits, golden::read_npy(golden.one_case.at("logits"), "bert"));
  CHECK(comparison.max_difference > kTolerance * comparison.max_magnitude);
}

}  // namespace

TEST_CASE("generated weights: every net gives transformers' logits") {
  const Json index = read_index();
  for (const auto& item : index.at("nets").items()) {
    if (item.key() == "headless") continue;  // its taps are compared in golden_bert_taps_test.cc
    const float worst = check_net(index, item.key());
    MESSAGE(item.key() << ": max |difference| is " << worst << " of max |logit|");
  }
}

TEST_CASE("other weights, settings and types give other logits") {  // the comparison above can fail
  const auto range = [](const char* kind, const char* suffix, double high) {
    return [=](Golden& golden) { golden.index["kinds"][kind][suffix][1] = high; };
  };
  check_change_is_seen("relu_0", range("layer_norm", ".weight", 1.501));
  check_change_is_seen("relu_0", range("word", "", 0.0602));
  check_change_is_seen("relu_0", range("position", "", 0.0402));
  check_change_is_seen("relu_0", range("type", "", 0.0402));
  check_change_is_seen("relu_0", range("score_96", "", 0.2655));
  const auto setting = [](const char* name, const Json& value) {
    return [=](Golden& golden) { golden.config()[name] = value; };
  };
  check_change_is_seen("relu_0", setting("num_attention_heads", 3));
  check_change_is_seen("relu_0", setting("layer_norm_eps", 1e-12));
  check_change_is_seen("relu_0", setting("hidden_act", "gelu"));
  check_change_is_seen("gelu_new_0", setting("hidden_act", "gelu"));
  check_change_is_seen("relu_0", [](Golden& golden) { golden.one_case["rows"][1] = {7, 4}; });
  check_change_is_seen("relu_0", [](Golden& golden) { golden.one_case["key"] = "other"; });
}
