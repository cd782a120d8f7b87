// The features that SideNets read of texts, [CLS] and the mean over a row's tokens, against
// transformers' hidden states (make_bert_goldens.py).
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <algorithm>

#include "golden_texts.h"
#include "sidenet/sidenet.h"
#include "tapped_session.h"

namespace {

using golden::Json;
using sidenet::TokenPooling;

constexpr float kTolerance = 1e-4f;

sidenet::TappedSession::Output run(const sidenet::Model& model,
                                   const std::vector<std::string>& taps, TokenPooling pooling,
                                   int threads, const sidenet::TokenRows& rows) {
  sidenet::Batch batch;
  batch.tokens = rows;
  return sidenet::TappedSession(model, taps, {1, pooling}, threads).run(batch);
}

// Columns [first, first + count) of each row.
sidenet::Tensor columns(const sidenet::Tensor& x, std::int64_t first, std::int64_t count) {
  std::vector<float> values;
  for (std::int64_t row = 0; row < x.dim(0); ++row) {
    const float* begin = x.data<float>() + row * x.dim(1) + first;
    values.insert(values.end(), begin, begin + count);
  }
  return sidenet::Tensor::from({x.dim(0), count}, values);
}

// One case with taps; the largest difference of a feature.
float check_taps(const Json& index, const Json& golden_case) {
  const std::string net = golden_case.at("net"), key = golden_case.at("key");
  CAPTURE(key);
  const golden::TemporaryFile folder(net + "-taps");
  golden::write_text_checkpoint(index, net, folder.path());
  const sidenet::Model model = sidenet::Model::import_checkpoint(folder.path());
  CHECK(model.has_head() == golden_case.contains("logits"));
  std::vector<std::string> taps;
  for (const auto& item : golden_case.at("taps").items()) taps.push_back(item.key());
  const sidenet::TokenRows rows = golden::token_rows(index, golden_case);
  const auto both = run(model, taps, TokenPooling::cls_mean, 2, rows),
             cls = run(model, taps, TokenPooling::cls, 1, rows),
             mean = run(model, taps, TokenPooling::mean, 1, rows);
  REQUIRE(both.features.size() == taps.size());
  float worst = 0;
  for (std::size_t i = 0; i < taps.size(); ++i) {
    CAPTURE(taps[i]);
    const sidenet::Tensor& features = both.features[i];
    const auto comparison =
        golden::compare(features, golden::read_npy(golden_case.at("taps").at(taps[i]), "bert"));
    CHECK(comparison.max_difference <= kTolerance * comparison.max_magnitude);
    worst = std::max(worst, comparison.relative());
    const std::int64_t hidden = features.dim(1) / 2;
    CHECK(golden::same_bits(cls.features[i], columns(features, 0, hidden)));
    CHECK(golden::same_bits(mean.features[i], columns(features, hidden, hidden)));
  }
  if (model.has_head()) {
    const auto logits =
        golden::compare(both.logits, golden::read_npy(golden_case.at("logits"), "bert"));
    CHECK(logits.max_difference <= kTolerance * logits.max_magnitude);
  } else {
    CHECK(both.logits.empty());
  }
  return worst;
}

}  // namespace

TEST_CASE("every tap gives transformers' features") {
  const Json index = golden::read_json("index.json", "bert");
  int cases = 0;
  for (const Json& golden_case : index.at("cases")) {
    if (!golden_case.contains("taps")) continue;
    const float worst = check_taps(index, golden_case);
    MESSAGE(golden_case.at("key").get<std::string>()
            << ": max |difference| is " << worst << " of max |feature|");
    ++cases;
  }
  CHECK(cases == 9);
}
