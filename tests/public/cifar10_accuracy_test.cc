// All 10,000 CIFAR-10 test images through the real checkpoints: as many right as in PyTorch, to the
// image.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include "golden_nets.h"
#include "sidenet/sidenet.h"

namespace {

constexpr std::int64_t kBatchRows = 100;

std::int64_t count_correct(const sidenet::Model& model, const sidenet::Dataset& data) {
  sidenet::Session session(model);
  std::int64_t correct = 0;
  sidenet::for_each_batch(model, data, kBatchRows, 1, [&](const sidenet::Batch& batch) {
    const sidenet::Answers answers = session.run(batch, sidenet::ExitPolicy::final_only());
    for (std::size_t row = 0; row < batch.labels.size(); ++row)
      correct += answers.index.at(row) == batch.labels[row] ? 1 : 0;
  });
  return correct;
}

// SIDENET_SHARED with a slash behind; empty where the data is absent.
std::string shared_folder() {
  const char* shared = std::getenv("SIDENET_SHARED");
  if (shared == nullptr ||
      !std::filesystem::exists(std::filesystem::path(shared) / "datasets/cifar10/test_batch.bin")) {
    MESSAGE("skipped: SIDENET_SHARED does not name a folder with datasets/cifar10/test_batch.bin");
    return "";
  }
  return std::string(shared) + "/";
}

}  // namespace

TEST_CASE("the accuracy on CIFAR-10 is PyTorch's") {
  const std::string root = shared_folder();
  if (root.empty()) return;
  const auto data = sidenet::Dataset::open(root + "datasets/cifar10/test_batch.bin");
  for (const golden::Json& golden_case : golden::read_json("cifar10_checkpoints.json")) {
    REQUIRE(data->rows() == golden_case.at("rows").get<std::int64_t>());
    const std::string checkpoint = golden_case.at("checkpoint");
    const std::int64_t correct =
        count_correct(sidenet::Model::import_checkpoint(root + checkpoint), *data);
    MESSAGE(checkpoint << ": " << correct << " of " << data->rows() << " right");
    CHECK_MESSAGE(correct == golden_case.at("correct").get<std::int64_t>(), checkpoint);
  }
}

TEST_CASE("evaluate() counts as a Session does") {
  const std::string root = shared_folder();
  if (root.empty()) return;
  sidenet::DatasetOptions part;
  part.skip = 500;
  part.limit = 700;
  const auto data = sidenet::Dataset::open(root + "datasets/cifar10/test_batch.bin", part);
  const auto model = sidenet::Model::import_checkpoint(
      root +
      golden::read_json("cifar10_checkpoints.json").at(0).at("checkpoint").get<std::string>());
  const sidenet::Evaluation evaluation =
      sidenet::evaluate(model, *data, sidenet::ExitPolicy::final_only());
  CHECK(evaluation.rows == 700);
  CHECK(evaluation.mainnet_accuracy * 700 ==
        doctest::Approx(static_cast<double>(count_correct(model, *data))));
  CHECK(evaluation.accuracy == evaluation.mainnet_accuracy);
  CHECK(evaluation.compute_ratio == doctest::Approx(1.0));
}
