#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "add.h"
#include "batch_norm.h"
#include "conv2d.h"
#include "cpu_activation.h"
#include "elementwise.h"
#include "kernels_test_support.h"
#include "layer_norm.h"
#include "linear.h"
#include "random_model.h"
#include "sidenet/kernels.h"

// Every activation that there is: its kernel against its plain twin, and taken in by operations.
using namespace kernels_test;
using namespace sidenet::kernels;
using sidenet::Operation, sidenet::RowBatch, sidenet::Shape, sidenet::Tensor;
namespace ops = sidenet::ops;

namespace {

// What an activation's kernel may be off by. Where it is not said: a unit or two in the last place.
double allowed_error(Activation activation, double expected) {
  const bool is_gelu = activation == Activation::gelu || activation == Activation::gelu_tanh;
  // Half a unit in the last place of a large result is not the kernel's.
  if (is_gelu) return 3e-7 + std::abs(expected) * 6e-8;
  constexpr double kSubnormals = 3e-45;  // two of them: below the normal numbers there is no less
  return 3 * 1.2e-7 * std::abs(expected) + kSubnormals;
}

// One operation of one input over rows that are vectors.
Values run_operation(const Operation& operation, int in, const Values& x,
                     sidenet::Kernels kernels) {
  const Shape shape{in};
  const auto executable = operation.prepare({&shape, 1}, {.kernels = kernels});
  const int rows = static_cast<int>(x.size()) / in;
  Values y(static_cast<std::size_t>(rows * operation.output_shape({&shape, 1})[0]));
  const auto bytes = executable->scratch_bytes({rows, 0, 1});
  const std::unique_ptr<std::byte, decltype(&std::free)> scratch(
      static_cast<std::byte*>(std::aligned_alloc(64, (bytes + 127) / 64 * 64)), std::free);
  const float* const input = x.data();
  executable->run({&input, 1}, y.data(), RowBatch{rows, 0, nullptr}, scratch.get(), 1);
  return y;
}

}  // namespace

TEST_CASE(
    "every activation: error over the whole line, infinities, NaN; in place and for any number of "
    "threads") {
  Values x;
  for (int i = -120000; i <= 120000; ++i) x.push_back(static_cast<float>(i) * 1e-4f);
  for (float v = 1e-30f; v < 1e30f; v *= 1.7f) x.insert(x.end(), {v, -v});
  x.insert(x.end(), {0.0f, -0.0f, kInfinity, std::nanf("")});
  const std::size_t count = x.size();
  for (const Activation activation : kActivations) {
    CAPTURE(std::string(activation_name(activation)));
    Values expected(count), y(count), again = x;
    reference::activate(activation, x.data(), expected.data(), count);
    on_every_target([&] {
      cpu::activate(activation, x.data(), y.data(), count, 1);
      double largest = 0;
      for (std::size_t i = 0; i + 2 < count; ++i) {
        if (y[i] == expected[i]) continue;
        const double allowed = allowed_error(activation, expected[i]);
        largest = std::max(largest, std::abs(double(y[i]) - expected[i]) / allowed);
      }
      CHECK(largest <= 1);
      CHECK(y[count - 2] == expected[count - 2]);
      CHECK(std::isnan(y[count - 1]));
      for (const int threads : {2, 3}) {
        again = x;
        cpu::activate(activation, again.data(), again.data(), count, threads);
        CHECK(same_bits(again, y));
      }
    });
  }
}

TEST_CASE("an activation is found by its name") {
  for (const Activation activation : kActivations)
    CHECK(activation_named(activation_name(activation)) == activation);
  CHECK(!activation_named("rel"));
  CHECK(!activation_named(""));
}

TEST_CASE("a linear layer takes in every activation, with the bits of the two apart") {
  constexpr int kIn = 37, kOut = 21, kRows = 5;
  sidenet::testing::RandomWeights random(3);
  const ops::Linear linear(random.tensor({kOut, kIn}, -1, 1), random.tensor({kOut}, -1, 1));
  const Values x = random_values(std::size_t(kRows) * kIn);
  for (const Activation activation : kActivations) {
    CAPTURE(std::string(activation_name(activation)));
    const ops::Elementwise alone(activation);
    CHECK(alone.kind() == activation_name(activation));
    const auto fused = linear.fuse(alone, 0);
    REQUIRE(fused);
    if (activation == Activation::none) continue;
    CHECK(fused->kind() == "linear+" + alone.kind());
    CHECK(!fused->fuse(alone, 0));  // one is all that it has room for
    for (const auto kernels :
         {sidenet::Kernels::automatic, sidenet::Kernels::eigen, sidenet::Kernels::reference}) {
      const Values apart =
          run_operation(alone, kOut, run_operation(linear, kIn, x, kernels), kernels);
      CHECK(same_bits(run_operation(*fused, kIn, x, kernels), apart));
    }
  }
}

TEST_CASE("what knows ReLU alone takes in nothing else") {
  sidenet::testing::RandomWeights random(4);
  const Tensor channel = random.tensor({8}, 0.5f, 1);
  const ops::Conv2d convolution(random.tensor({8, 8, 3, 3}, -1, 1), Tensor(), {});
  const ops::BatchNorm norm(channel, channel, channel, channel);
  const ops::Add add;
  for (const Activation activation : kActivations) {
    CAPTURE(std::string(activation_name(activation)));
    for (const Operation* operation :
         {static_cast<const Operation*>(&convolution), static_cast<const Operation*>(&norm),
          static_cast<const Operation*>(&add)})
      CHECK((operation->fuse(ops::Elementwise(activation), 0) != nullptr) ==
            (activation == Activation::relu));
  }
}

TEST_CASE("operations say whether they work entry by entry") {
  sidenet::testing::RandomWeights random(5);
  const Tensor channel = random.tensor({8}, 0.5f, 1);
  for (const Activation activation : kActivations)
    CHECK(ops::Elementwise(activation).is_by_entry());
  CHECK(ops::Add().is_by_entry());
  CHECK(ops::LayerNorm(channel, channel, 1e-5f).is_by_entry());
  CHECK(!ops::Linear(random.tensor({8, 8}, -1, 1), Tensor()).is_by_entry());
  CHECK(!ops::Conv2d(random.tensor({8, 8, 3, 3}, -1, 1), Tensor(), {}).is_by_entry());
}
