// Logits against PyTorch's: generated weights (tests/golden/make_resnet_goldens.py) and real
// checkpoints (make_cifar10_goldens.py). The bound is the project's: max |difference| <= 1e-4 * max
// |logit|.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <algorithm>

#include "golden_nets.h"
#include "sidenet/sidenet.h"

namespace {

using golden::Json;

constexpr float kTolerance = 1e-4f;

sidenet::Model import_generated(const Json& index, const std::string& net) {
  const golden::TemporaryFile checkpoint(net + ".safetensors");
  golden::write_checkpoint(index, net, checkpoint.path());
  sidenet::ImportOptions options;
  options.preprocess = sidenet::PreprocessingPreset::none;
  return sidenet::Model::import_checkpoint(checkpoint.path(), options);
}

sidenet::Session session_of(const sidenet::Model& model, int threads) {
  sidenet::SessionOptions options;
  options.execution.threads = threads;
  return sidenet::Session(model, options);
}

int argmax(const sidenet::Tensor& logits, std::int64_t row) {
  const float* begin = logits.data<float>() + row * logits.dim(1);
  return static_cast<int>(std::max_element(begin, begin + logits.dim(1)) - begin);
}

// One case at 1 and 2 threads, and its last row alone.
float check_case(const sidenet::Model& model, const Json& golden_case) {
  const sidenet::Tensor inputs =
      golden::inputs(golden_case.at("key"), golden_case.at("inputs").get<sidenet::Shape>());
  const sidenet::Tensor expected = golden::read_npy(golden_case.at("logits"));
  sidenet::Session session = session_of(model, 1);
  const sidenet::Answers answers = session.run(inputs, sidenet::ExitPolicy::final_only());
  const golden::Comparison comparison = golden::compare(answers.logits, expected);
  CHECK(comparison.max_difference <= kTolerance * comparison.max_magnitude);
  for (std::int64_t row = 0; row < inputs.dim(0); ++row) {
    CHECK(answers.index.at(static_cast<std::size_t>(row)) == argmax(answers.logits, row));
  }
  sidenet::Session parallel = session_of(model, 2);
  CHECK(golden::same_bits(parallel.run(inputs, sidenet::ExitPolicy::final_only()).logits,
                          answers.logits));
  if (inputs.dim(0) > 1) {
    const std::int64_t last = inputs.dim(0) - 1;
    const sidenet::Answers alone =
        parallel.run(golden::row_of(inputs, last), sidenet::ExitPolicy::final_only());
    CHECK(golden::same_bits(alone.logits, golden::row_of(answers.logits, last)));
  }
  return comparison.relative();
}

// All cases of one net; the largest difference.
float check_net(const Json& index, const std::string& net) {
  CAPTURE(net);
  const sidenet::Model model = import_generated(index, net);
  CHECK(model.architecture() == index.at("nets").at(net).at("architecture").get<std::string>());
  float worst = 0;
  for (const Json& golden_case : index.at("cases")) {
    if (golden_case.at("net") != net) continue;
    const std::string key = golden_case.at("key");
    CAPTURE(key);
    worst = std::max(worst, check_case(model, golden_case));
  }
  return worst;
}

// The first rows of the CIFAR-10 test set through a real checkpoint; the relative difference.
float check_checkpoint(const std::string& root, const Json& golden_case, int threads) {
  const std::string checkpoint = golden_case.at("checkpoint");
  CAPTURE(checkpoint);
  CAPTURE(threads);
  const sidenet::Model model = sidenet::Model::import_checkpoint(root + checkpoint);
  const sidenet::Tensor expected = golden::read_npy(golden_case.at("logits"));
  sidenet::DatasetOptions first_rows;
  first_rows.limit = expected.dim(0);
  const auto data = sidenet::Dataset::open(root + "datasets/cifar10/test_batch.bin", first_rows);
  sidenet::Session session = session_of(model, threads);
  golden::Comparison comparison;
  int batches = 0;
  sidenet::for_each_batch(model, *data, expected.dim(0), 1, [&](const sidenet::Batch& batch) {
    comparison =
        golden::compare(session.run(batch, sidenet::ExitPolicy::final_only()).logits, expected);
    ++batches;
  });
  CHECK(batches == 1);
  CHECK(comparison.max_difference <= kTolerance * comparison.max_magnitude);
  return comparison.relative();
}

}  // namespace

TEST_CASE("generated weights: every net gives PyTorch's logits") {
  const Json index = golden::read_json("index.json");
  for (const auto& item : index.at("nets").items()) {
    const float worst = check_net(index, item.key());
    MESSAGE(item.key() << ": max |difference| is " << worst << " of max |logit|");
  }
}

TEST_CASE("another weight gives other logits") {  // the comparison above can fail
  const Json index = golden::read_json("index.json");
  Json changed = index;
  changed["kinds"]["last_norm"][".bias"] = {-0.2, 0.201};
  const auto is_ours = [](const Json& one) { return one.at("key") == "cifar_resnet20_3x32x32"; };
  const Json golden_case =
      *std::find_if(index.at("cases").begin(), index.at("cases").end(), is_ours);
  const sidenet::Tensor inputs =
      golden::inputs(golden_case.at("key"), golden_case.at("inputs").get<sidenet::Shape>());
  sidenet::Session session = session_of(import_generated(changed, "cifar_resnet20"), 2);
  const golden::Comparison comparison =
      golden::compare(session.run(inputs, sidenet::ExitPolicy::final_only()).logits,
                      golden::read_npy(golden_case.at("logits")));
  CHECK(comparison.max_difference > kTolerance * comparison.max_magnitude);
}

TEST_CASE("real CIFAR-10 checkpoints give PyTorch's logits") {
  const char* shared = std::getenv("SIDENET_SHARED");
  if (shared == nullptr ||
      !std::filesystem::exists(std::filesystem::path(shared) / "checkpoints")) {
    MESSAGE("skipped: SIDENET_SHARED does not name a folder with checkpoints");
    return;
  }
  const std::string root = std::string(shared) + "/";
  for (const Json& golden_case : golden::read_json("cifar10_checkpoints.json")) {
    for (const int threads : {1, 2}) {
      const float worst = check_checkpoint(root, golden_case, threads);
      MESSAGE(golden_case.at("checkpoint")
              << ", threads " << threads << ": max |difference| is " << worst << " of max |logit|");
    }
  }
}
