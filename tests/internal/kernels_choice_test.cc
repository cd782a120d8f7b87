#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <filesystem>

#include "conv2d_choice.h"
#include "linear_choice.h"
#include "onednn_version.h"
#include "random_bert.h"
#include "reference_kernels.h"

// Small networks under every choice of kernels.
using namespace sidenet;
using namespace sidenet::testing;

namespace {

std::vector<Kernels> choices() {
  std::vector<Kernels> result{Kernels::automatic, Kernels::own, Kernels::eigen, Kernels::reference};
  if (kernels::onednn::is_available()) result.push_back(Kernels::onednn);
  return result;
}

Model resnet() {
  ModelData data = describe(random_cifar_resnet(5, 2, 16, 3, 7, true));
  RandomWeights random(6);
  add_random_exit(random, data, "layer1.1", 2, 64, 24);
  add_random_exit(random, data, "layer2.0", 1, 32, 20);
  return make_model(std::move(data));
}

// Odd widths, which no vectorised kernel is made for.
Model odd_resnet() {
  ModelData data = describe(random_cifar_resnet(7, 1, 5, 3, 4, false));
  RandomWeights random(8);
  add_random_exit(random, data, "layer2.0", 2, 40, 9);
  return make_model(std::move(data));
}

Model bert() {
  ModelData data = describe_bert(random_bert(9), 4);
  RandomWeights random(10);
  add_random_text_exit(random, data, "encoder.layer.1", TokenPooling::cls_mean, 24);
  return make_model(std::move(data));
}

Tensor images(int rows, int size) { return RandomWeights(11).tensor({rows, 3, size, size}, -2, 2); }

bool same_bits(const float* a, const float* b, std::int64_t count) {
  return std::memcmp(a, b, static_cast<std::size_t>(count) * sizeof(float)) == 0;
}

// How far the logits of all exits lie apart, over the largest one.
double difference(const AllExits& a, const AllExits& b) {
  double largest = 0, size = 0;
  for (std::size_t exit = 0; exit < a.logits.size(); ++exit) {
    for (std::int64_t i = 0; i < a.logits[exit].size(); ++i) {
      const double x = a.logits[exit].data<float>()[i], y = b.logits[exit].data<float>()[i];
      largest = std::max(largest, std::abs(x - y));
      size = std::max(size, std::abs(y));
    }
  }
  return largest / size;
}

// All rows at once, on one thread: what every other way must give to the bit.
template <typename Rows, typename Pick>
void check_rows(const Model& model, const Rows& rows, std::int64_t count, const Pick& pick) {
  const AllExits expected =
      Session(model, {.execution = {.threads = 1, .kernels = Kernels::reference}})
          .run_all_exits(rows);
  for (const Kernels choice : choices()) {
    CAPTURE(std::string(name_of(choice)));
    Session one(model, {.execution = {.threads = 1, .kernels = choice}});
    const AllExits whole = one.run_all_exits(rows);
    CHECK(difference(whole, expected) < 1e-4);
    const auto is_part = [&](const AllExits& part, std::int64_t first, std::int64_t rows_there) {
      for (std::size_t exit = 0; exit < whole.logits.size(); ++exit) {
        const std::int64_t classes = whole.logits[exit].dim(1);
        CHECK(same_bits(part.logits[exit].template data<float>(),
                        whole.logits[exit].template data<float>() + first * classes,
                        rows_there * classes));
      }
    };
    for (const int threads : {1, 2, 3}) {
      CAPTURE(threads);
      for (const int micro_batch : {0, 3}) {
        Session session(model, {.execution = {.threads = threads, .kernels = choice},
                                .micro_batch = micro_batch});
        is_part(session.run_all_exits(rows), 0, count);
        is_part(session.run_all_exits(pick(3, 1)), 3, 1);
        is_part(session.run_all_exits(pick(count - 2, 2)), count - 2, 2);
        // Some rows leave early, the others close up.
        for (const double threshold : {0.3, 0.6}) {
          const Answers answers = session.run(rows, ExitPolicy::uniform(threshold));
          for (std::int64_t row = 0; row < count; ++row) {
            const auto exit = static_cast<std::size_t>(answers.exit[static_cast<std::size_t>(row)]);
            const std::int64_t classes = answers.logits.dim(1);
            CHECK(same_bits(answers.logits.template data<float>() + row * classes,
                            whole.logits[exit].template data<float>() + row * classes, classes));
          }
        }
      }
    }
  }
}

void check_images(const Model& model) {
  constexpr int kRows = 7;
  const Tensor rows = images(kRows, 16);
  check_rows(model, rows, kRows, [&](std::int64_t first, std::int64_t count) {
    return slice_rows(rows, first, count);
  });
}

std::map<std::string, int> kernels_of(const Model& model, Kernels choice) {
  std::map<std::string, int> result;
  Session session(model, {.execution = {.threads = 1, .kernels = choice}});
  Batch batch;
  if (model.is_text()) {
    batch.tokens = random_texts(12, 2, 9);
  } else {
    batch.inputs = images(1, 32);
  }
  const auto nodes = session.profile(batch, 1);
  for (const NodeTime& node : nodes) ++result[node.kernel];
  return result;
}

}  // namespace

TEST_CASE("images: every choice is near the reference; a row's bits are its own") {
  check_images(resnet());
}

TEST_CASE("images of odd widths: the same") { check_images(odd_resnet()); }

TEST_CASE("texts: every choice is near the reference; a row's bits are its own") {
  constexpr int kRows = 9;
  const TokenRows rows = random_texts(13, kRows, 40);
  check_rows(bert(), rows, kRows, [&](std::int64_t first, std::int64_t count) {
    std::vector<std::int64_t> order;
    for (std::int64_t row = first; row < first + count; ++row) order.push_back(row);
    return pick_rows(rows, order);
  });
}

TEST_CASE("a profile names each node's kernel, and a choice is what runs") {
  for (const Model& model : {resnet(), bert()}) {
    for (const Kernels choice : choices()) {
      CAPTURE(std::string(name_of(choice)));
      const auto names = kernels_of(model, choice);
      CHECK(names.count("") == 0);
      CHECK((names.count("onednn") > 0) ==
            (choice == Kernels::onednn || (choice == Kernels::automatic && names.count("onednn"))));
      CHECK((names.count("eigen") > 0) == (choice == Kernels::eigen));
      CHECK((names.count("im2col+eigen") > 0) == (choice == Kernels::eigen && !model.is_text()));
      CHECK((names.count("reference") > 0) == (choice == Kernels::reference));
      if (choice == Kernels::reference) CHECK(names.size() == 1);
      const bool ours = choice == Kernels::automatic || choice == Kernels::own;
      CHECK((names.count(model.is_text() ? "packed gemm" : "winograd") > 0) == ours);
    }
  }
}

TEST_CASE("convolutions: each choice folds scale and bias as the reference does") {
  RandomWeights random(14);
  const kernels::Conv2dShape shape{.in_channels = 16,
                                   .out_channels = 16,
                                   .groups = 1,
                                   .in_h = 9,
                                   .in_w = 9,
                                   .out_h = 9,
                                   .out_w = 9,
                                   .kernel_h = 3,
                                   .kernel_w = 3,
                                   .stride_h = 1,
                                   .stride_w = 1,
                                   .pad_h = 1,
                                   .pad_w = 1};
  for (const int groups : {1, 2, 16}) {
    kernels::Conv2dProblem problem;
    problem.shape = shape;
    problem.shape.groups = groups;
    const Tensor weight = random.tensor({16, 16 / groups, 3, 3}, -1, 1),
                 scale = random.tensor({16}, 0.5f, 2), bias = random.tensor({16}, -1, 1),
                 x = random.tensor({9, 9, 16}, -1, 1);
    problem.weight = weight.data<float>();
    problem.scale = scale.data<float>();
    problem.bias = bias.data<float>();
    problem.post = {.residual = true, .relu = true};
    std::vector<float> expected;
    for (const Kernels choice :
         {Kernels::reference, Kernels::automatic, Kernels::own, Kernels::eigen, Kernels::onednn}) {
      CAPTURE(std::string(name_of(choice)));
      const auto kernel = kernels::choose_conv2d(problem, choice, true);
      CAPTURE(std::string(kernel->name()));
      std::vector<float> y(9 * 9 * 16, 0.25f);
      const auto scratch = std::make_unique<std::byte[]>(kernel->scratch_bytes() + 64);
      auto at = reinterpret_cast<std::uintptr_t>(scratch.get());
      kernel->run(x.data<float>(), y.data(), scratch.get() + (64 - at % 64) % 64, 1);
      if (expected.empty()) expected = y;
      for (std::size_t i = 0; i < y.size(); ++i)
        CHECK(y[i] == doctest::Approx(expected[i]).epsilon(1e-4));
    }
  }
}

TEST_CASE("names, and what a build does not have, are told") {
  for (const std::string& name : names_of<Kernels>())
    CHECK(name_of(value_named<Kernels>("kernels", name)) == name);
  CHECK_THROWS_WITH_AS(value_named<Kernels>("kernels", "mkl"),
                       "kernels: expected auto, own, onednn, eigen or reference, got 'mkl'", Error);
  if (!kernels::onednn::is_available())
    CHECK_THROWS_WITH_AS(Session(resnet(), {.execution = {.kernels = Kernels::onednn}}),
                         doctest::Contains("this build has no oneDNN"), Error);
}
