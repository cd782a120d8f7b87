// A SideNet's tensors: where they stand, what fits, and what they compute.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include "image_files.h"
#include "prepared_sidenet.h"
#include "random_model.h"

using namespace sidenet;
using namespace sidenet::testing;
using ops::SideNet;

namespace {

SideNet random_sidenet(unsigned seed, std::int64_t features, std::int64_t hidden,
                       std::int64_t classes) {
  RandomWeights random(seed);
  return {random.tensor({features}, -1, 1),         random.tensor({features}, 0.5f, 2),
          random.tensor({hidden, features}, -1, 1), random.tensor({hidden}, -1, 1),
          random.tensor({classes, hidden}, -1, 1),  random.tensor({classes}, -1, 1)};
}

}  // namespace

TEST_CASE("a SideNet is found where it was put, under six names") {
  const SideNet put = random_sidenet(1, 7, 5, 3);
  Weights weights;
  put.put(weights, "layer1");
  for (const char* name : {"mean", "std", "fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"})
    CHECK(weights.contains("exits.layer1." + std::string(name)));
  CHECK(weights.size() == 6);
  for (const auto& [name, tensor] : weights) CHECK(SideNet::owns(name));
  const SideNet found = SideNet::from(weights, "layer1", {.grid = 2});
  CHECK(found.pooling.grid == 2);
  CHECK(found.fc2_bias.raw() == put.fc2_bias.raw());
  CHECK(found.std.raw() == put.std.raw());
  CHECK(found.features() == 7);
  CHECK(found.hidden() == 5);
  CHECK(found.classes() == 3);
  CHECK(found.multiply_adds() == 7 * 5 + 5 * 3);
  CHECK(found.parameters() == 7 * 5 + 5 + 5 * 3 + 3 + 2 * 7);
  weights.erase("exits.layer1.fc1.bias");
  CHECK(files::error_of([&] { SideNet::from(weights, "layer1", {}); }) ==
        "no tensor 'exits.layer1.fc1.bias' for exit 'layer1'");
}

TEST_CASE("tensors that disagree are refused") {
  CHECK_NOTHROW(SideNet::zeros(7, 5, 3, {}).check());
  SideNet sidenet = random_sidenet(1, 7, 5, 3);
  sidenet.fc1_bias = Tensor(DType::f32, {6});
  CHECK(files::error_of([&] { sidenet.check(); }) ==
        "SideNet tensor fc1.bias: expected (5), got (6)");
  sidenet = random_sidenet(1, 7, 5, 3);
  sidenet.std.mutable_data<float>()[4] = 0;
  CHECK(files::error_of([&] {
          ops::PreparedSideNet(sidenet, 1);
        }).starts_with("SideNet tensor std: expected values above 0, got 0"));
}

TEST_CASE("a prepared SideNet computes the formula, the same to the bit in any batch") {
  constexpr int kRows = 37, kFeatures = 19, kHidden = 11, kClasses = 4;
  const SideNet s = random_sidenet(2, kFeatures, kHidden, kClasses);
  RandomWeights random(3);
  const Tensor x = random.tensor({kRows, kFeatures}, -2, 2);
  const ops::PreparedSideNet prepared(s, 2);
  std::vector<float> logits(kRows * kClasses), alone(kClasses);
  prepared.run(x.data<float>(), kRows, logits.data());
  for (int row = 0; row < kRows; ++row) {
    const float* values = x.data<float>() + row * kFeatures;
    prepared.run(values, 1, alone.data());
    for (int c = 0; c < kClasses; ++c) {
      double sum = static_cast<double>(s.fc2_bias.data<float>()[c]);
      for (int h = 0; h < kHidden; ++h) {
        double unit = static_cast<double>(s.fc1_bias.data<float>()[h]);
        for (int f = 0; f < kFeatures; ++f) {
          unit += static_cast<double>(s.fc1_weight.data<float>()[h * kFeatures + f]) *
                  static_cast<double>(values[f] - s.mean.data<float>()[f]) /
                  static_cast<double>(s.std.data<float>()[f]);
        }
        sum +=
            static_cast<double>(s.fc2_weight.data<float>()[c * kHidden + h]) * std::max(unit, 0.0);
      }
      const float logit = logits[static_cast<std::size_t>(row * kClasses + c)];
      CHECK(static_cast<double>(logit) == doctest::Approx(sum).epsilon(1e-4));
      CHECK(alone[static_cast<std::size_t>(c)] == logit);
    }
  }
}
