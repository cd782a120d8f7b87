#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "arena.h"
#include "elementwise.h"
#include "exit_graph.h"
#include "random_model.h"
#include "runner.h"

using namespace sidenet;
using sidenet::testing::RandomWeights;

namespace {

std::vector<float> run_final(const Graph& graph, const Tensor& inputs, int threads) {
  Runner runner(std::make_shared<const Plan>(graph, threads), 3);
  const auto rows = static_cast<int>(inputs.dim(0));
  RunRules rules;
  rules.exits.assign(runner.plan().exits().size(), ExitRule{});
  rules.stop = static_cast<int>(rules.exits.size()) - 1;
  rules.exits.back().open = true;
  std::vector<float> logits(static_cast<std::size_t>(rows * runner.plan().exits().back().width));
  RunResults results;
  results.exit.resize(static_cast<std::size_t>(rows));
  results.confidence.resize(static_cast<std::size_t>(rows));
  results.logits = logits.data();
  runner.run({rows, inputs.data<float>(), nullptr}, rules, results);
  return logits;
}

}  // namespace

TEST_CASE("fusion leaves one node a convolution, and the same answers") {
  for (const bool projection : {false, true}) {
    const ModelData data = sidenet::testing::describe(
        sidenet::testing::random_cifar_resnet(3, 2, 8, 3, 5, projection));
    const Graph plain = build_mainnet_graph(data, {3, 20, 28});
    const Graph fused = fuse_nodes(plain);
    int convolutions = 0;
    for (const Node& node : fused.nodes()) {
      if (!node.operation) continue;
      const std::string kind = node.operation->kind();
      convolutions += kind.starts_with("conv2d");
      CHECK(kind != "batch_norm");
      CHECK(kind != "relu");
      CHECK(kind != "add");
      CHECK(kind != "add+relu");
    }
    CHECK(convolutions == 13 + (projection ? 2 : 0));
    RandomWeights random(4);
    const Tensor inputs = random.tensor({4, 3, 20, 28}, -2, 2);
    const auto a = run_final(plain, inputs, 1), b = run_final(fused, inputs, 2);
    REQUIRE(a.size() == b.size());
    for (std::size_t i = 0; i < a.size(); ++i) CHECK(a[i] == doctest::Approx(b[i]).epsilon(1e-4));
    CHECK(fused.find("layer2.1") >= 0);
    CHECK(fused.find("layer2.1") == fused.find("layer2"));
  }
}

TEST_CASE("a tapped node is not fused away") {
  ModelData data =
      sidenet::testing::describe(sidenet::testing::random_cifar_resnet(3, 1, 8, 3, 5, false));
  RandomWeights random(4);
  add_random_exit(random, data, "layer2.0.bn1", 2, 16 * 4, 8);
  const Graph graph = build_exit_graph(data, {3, 32, 32});
  const Node& tapped = graph.node(graph.find("layer2.0.bn1"));
  CHECK(tapped.operation->kind() ==
        "conv2d");  // with the batch norm folded, without the ReLU behind
  const Tensor inputs = random.tensor({2, 3, 32, 32}, -2, 2);
  ModelData bare = data;
  bare.exits.clear();
  CHECK(run_final(graph, inputs, 2).size() ==
        run_final(build_exit_graph(bare, {3, 32, 32}), inputs, 2).size());
}

TEST_CASE("buffers that live at the same time never overlap") {
  RandomWeights random(7);
  for (int round = 0; round < 200; ++round) {
    std::vector<Lifetime> buffers;
    for (unsigned i = 0; i < 1 + random.integer(30); ++i) {
      const std::size_t first = random.integer(40);
      buffers.push_back({first, first + random.integer(10), 1 + random.integer(500)});
    }
    std::size_t total = 0;
    const auto offsets = place_buffers(buffers, total);
    for (std::size_t i = 0; i < buffers.size(); ++i) {
      CHECK(offsets[i] % 16 == 0);
      CHECK(offsets[i] + buffers[i].size <= total);
      for (std::size_t j = 0; j < i; ++j) {
        const bool together =
            buffers[i].first <= buffers[j].last && buffers[j].first <= buffers[i].last;
        const bool overlap =
            offsets[i] < offsets[j] + buffers[j].size && offsets[j] < offsets[i] + buffers[i].size;
        CHECK_FALSE((together && overlap));
      }
    }
  }
}

// As it is said: largest first, each at the lowest offset where none of its time is.
TEST_CASE("buffers are placed as by looking at all of them") {
  const auto rounded = [](std::size_t floats) { return (floats + 15) / 16 * 16; };
  RandomWeights random(8);
  for (int round = 0; round < 100; ++round) {
    std::vector<Lifetime> buffers;
    for (unsigned i = 0; i < 1 + random.integer(40); ++i) {
      const std::size_t first = random.integer(60);
      buffers.push_back({first, first + random.integer(20), 1 + random.integer(500)});
    }
    std::vector<std::size_t> order(buffers.size()), expected(buffers.size()), placed;
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](auto a, auto b) { return buffers[a].size > buffers[b].size; });
    for (const std::size_t i : order) {
      const auto fits = [&](std::size_t offset) {
        return std::none_of(placed.begin(), placed.end(), [&](std::size_t j) {
          return buffers[j].first <= buffers[i].last && buffers[i].first <= buffers[j].last &&
                 offset < expected[j] + rounded(buffers[j].size) &&
                 expected[j] < offset + rounded(buffers[i].size);
        });
      };
      while (!fits(expected[i])) expected[i] += 16;
      placed.push_back(i);
    }
    std::size_t total = 0;
    CHECK(place_buffers(buffers, total) == expected);
  }
}

TEST_CASE("a node is found by its name and by its aliases, the first of those that share one") {
  Graph graph;
  const NodeId a = graph.add_input("a", {1}), b = graph.add_input("b", {1}),
               c = graph.add_input("b", {1});
  graph.add_alias(c, "c");
  graph.add_alias(b, "c");
  graph.add_alias(b, "a");
  CHECK(graph.find("a") == a);
  CHECK(graph.find("b") == b);
  CHECK(graph.find("c") == b);
  CHECK(graph.find("d") == -1);
}

TEST_CASE("a network has a largest number of nodes") {
  Graph graph;
  for (std::size_t i = 0; i < Graph::kMostNodes; ++i) graph.add_input("x", {1});
  CHECK_THROWS_WITH_AS(graph.add_input("one more", {1}),
                       "node one more: expected a network of at most 32768 nodes, got more", Error);
}

TEST_CASE("a value is no larger than kernels can count") {
  Graph graph;
  CHECK_NOTHROW(graph.add_input("largest", {Graph::kMostElements}));
  CHECK_NOTHROW(graph.add_input("of texts", {kTokens, Graph::kMostElements}));
  CHECK_NOTHROW(graph.add_input("long", {127, 1, Graph::kMostPixels}));
  const char* expected =
      ": expected a value of fewer than 2^31 numbers, and of at most 2^24 pixels a side, got ";
  for (const Shape& shape :
       {Shape{Graph::kMostElements + 1}, Shape{4096, 1024, 1024},
        Shape{1, 1, Graph::kMostPixels + 1}, Shape{1, Graph::kMostPixels + 1, 1},
        Shape{kTokens, Graph::kMostElements + 1}}) {
    CHECK_THROWS_WITH_AS(graph.add_input("x", shape),
                         ("node x" + (expected + to_string(shape))).c_str(), Error);
  }
}

TEST_CASE("multiply-adds stay at the largest number") {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  Cost cost{kMost / 2, kMost / 2, 1};
  CHECK(cost.of(3, 0, 0) == kMost);
  CHECK(cost.of(1, 1, 10) == kMost);
  cost += Cost{kMost, 1, 1};
  CHECK(cost.per_row == kMost);
  CHECK(cost.per_token == kMost / 2 + 1);
}

TEST_CASE("activations beyond the machine's memory are refused with their size") {
  Graph graph;
  const NodeId input = graph.add_input("image", {1 << 10, 1 << 10, 1 << 10});
  graph.add_exit(
      "final",
      graph.add("relu", std::make_shared<ops::Elementwise>(kernels::Activation::relu), {input}));
  const auto plan = std::make_shared<const Plan>(graph, 2);
  CHECK(plan->arena_floats() == std::size_t{1} << 30);
  Workspace workspace;
  CHECK_THROWS_WITH_AS(workspace.reserve(*plan, {4096, 0, 1}),
                       doctest::Contains("got 17592186044416"), Error);
}

TEST_CASE("the arena reuses buffers: a deep network needs no more than a shallow one") {
  const auto floats = [](int blocks) {
    const ModelData data = sidenet::testing::describe(
        sidenet::testing::random_cifar_resnet(3, blocks, 8, 3, 5, false));
    return Plan(build_exit_graph(data, {3, 32, 32}), 1).arena_floats();
  };
  CHECK(floats(6) == floats(2));
}

TEST_CASE("networks that do not fit are refused with file and tensor") {
  auto weights = sidenet::testing::random_cifar_resnet(3, 1, 8, 3, 5, false);
  const auto message = [](const sidenet::testing::Weights& w) -> std::string {
    try {
      const ModelData data = sidenet::testing::describe(w);
      build_exit_graph(data, {3, 32, 32});
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  CHECK(message(weights) == "");
  auto broken = weights;
  broken.erase("layer2.0.bn1.running_var");
  CHECK(message(broken).find("layer2.0.bn1.running_var") != std::string::npos);
  broken = sidenet::testing::random_cifar_resnet(3, 2, 8, 3, 5, false);
  broken.erase("layer2.1.conv1.weight");
  CHECK(message(broken).find("no tensor 'layer2.1.conv1.weight'") != std::string::npos);
  broken = weights;
  broken["layer2.0.conv2.weight"] = Tensor(DType::f32, {16, 8, 3, 3});
  CHECK(message(broken).find("layer2.0.conv2.weight") != std::string::npos);
  broken = weights;
  broken.erase("linear.weight");
  CHECK(message(broken).find("head") != std::string::npos);
  broken = weights;
  broken["bn1.running_var"].mutable_data<float>()[2] = -1;
  CHECK(message(broken).find("running_var[2]") != std::string::npos);
  CHECK(message({{"x", Tensor(DType::f32, {1})}}).find("unknown architecture") !=
        std::string::npos);
}

TEST_CASE("an input too small for the network is refused, not read past its end") {
  ModelData data =
      sidenet::testing::describe(sidenet::testing::random_cifar_resnet(3, 1, 8, 3, 5, false));
  CHECK_NOTHROW(build_exit_graph(data, {3, 1, 1}));
  CHECK_THROWS_AS(build_exit_graph(data, {4, 32, 32}), Error);
}
