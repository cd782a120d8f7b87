// The features that SideNets read, averaged over height and width, against PyTorch's hooks
// (make_resnet_goldens.py).
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <algorithm>

#include "golden_nets.h"
#include "sidenet/sidenet.h"
#include "tapped_session.h"

namespace {

constexpr float kTolerance = 1e-4f;

// One case with taps; the largest difference of a feature.
float check_taps(const golden::Json& index, const golden::Json& golden_case) {
  const std::string net = golden_case.at("net");
  CAPTURE(net);
  const golden::TemporaryFile checkpoint(net + "-taps.safetensors");
  golden::write_checkpoint(index, net, checkpoint.path());
  sidenet::ImportOptions options;
  options.preprocess = sidenet::PreprocessingPreset::none;
  const sidenet::Model model = sidenet::Model::import_checkpoint(checkpoint.path(), options);
  std::vector<std::string> taps;
  for (const auto& item : golden_case.at("taps").items()) taps.push_back(item.key());
  sidenet::TappedSession session(model, taps, {.grid = 1}, 2);
  sidenet::Batch batch;
  batch.inputs =
      golden::inputs(golden_case.at("key"), golden_case.at("inputs").get<sidenet::Shape>());
  const auto output = session.run(batch);
  REQUIRE(output.features.size() == taps.size());
  float worst = 0;
  for (std::size_t i = 0; i < taps.size(); ++i) {
    CAPTURE(taps[i]);
    const auto comparison =
        golden::compare(output.features[i], golden::read_npy(golden_case.at("taps").at(taps[i])));
    CHECK(comparison.max_difference <= kTolerance * comparison.max_magnitude);
    worst = std::max(worst, comparison.relative());
  }
  const auto logits = golden::compare(output.logits, golden::read_npy(golden_case.at("logits")));
  CHECK(logits.max_difference <= kTolerance * logits.max_magnitude);
  return worst;
}

}  // namespace

TEST_CASE("every tap gives PyTorch's features") {
  const golden::Json index = golden::read_json("index.json");
  int cases = 0;
  for (const golden::Json& golden_case : index.at("cases")) {
    if (!golden_case.contains("taps")) continue;
    const float worst = check_taps(index, golden_case);
    MESSAGE(golden_case.at("net").get<std::string>()
            << ": max |difference| is " << worst << " of max |feature|");
    ++cases;
  }
  CHECK(cases == static_cast<int>(index.at("nets").size()));
}
