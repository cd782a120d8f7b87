#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "add.h"
#include "arena.h"
#include "conv2d.h"
#include "elementwise.h"
#include "exit_graph.h"
#include "pool2d.h"
#include "random_model.h"
#include "runner.h"

using namespace sidenet;
using sidenet::testing::RandomWeights;

namespace {

// The logits of exit number `exit`, where all rows leave.
std::vector<float> run_exit(const Graph& graph, const Tensor& inputs, int threads,
                            std::size_t exit) {
  Runner runner(std::make_shared<const Plan>(graph, threads), 3);
  const auto rows = static_cast<int>(inputs.dim(0));
  RunRules rules;
  rules.exits.assign(runner.plan().exits().size(), ExitRule{});
  rules.stop = static_cast<int>(exit);
  rules.exits[exit].open = true;
  std::vector<float> logits(static_cast<std::size_t>(rows * runner.plan().exits()[exit].width));
  RunResults results;
  results.exit.resize(static_cast<std::size_t>(rows));
  results.confidence.resize(static_cast<std::size_t>(rows));
  results.logits = logits.data();
  const RunInputs run_inputs{rows, inputs.data<float>(), nullptr};
  runner.run({run_inputs, rules, results});
  return logits;
}

std::vector<float> run_final(const Graph& graph, const Tensor& inputs, int threads) {
  return run_exit(graph, inputs, threads, graph.exits().size() - 1);
}

bool close(const std::vector<float>& a, const std::vector<float>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](float x, float y) { return x == doctest::Approx(y).epsilon(1e-4); });
}

/// The sum of up to five values of one number, the first once, the second twice, and so on.
class WeightedSum : public Operation {
 public:
  std::string kind() const override { return "weighted_sum"; }
  InputCount input_count() const override { return {1, 5}; }
  Shape output_shape(std::span<const Shape> inputs) const override { return inputs[0]; }
  std::unique_ptr<Executable> prepare(std::span<const Shape>,
                                      const PrepareOptions&) const override {
    struct Sum : Executable {
      void run(std::span<const float* const> inputs, float* output, const RowBatch& batch,
               std::byte*, int) const override {
        for (int row = 0; row < batch.rows; ++row) {
          output[row] = 0;
          float factor = 1;
          for (const float* input : inputs) output[row] += factor++ * input[row];
        }
      }
    };
    return std::make_unique<Sum>();
  }
};

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

TEST_CASE("channel attention takes the sum behind it in, a norm in front its activation") {
  sidenet::testing::Weights weights = sidenet::testing::random_cifar_resnet(3, 2, 8, 3, 5, false);
  RandomWeights random(6);
  for (const auto& [block, channels] :
       {std::pair<std::string, std::int64_t>{"layer1.0.", 8}, {"layer2.0.", 16}}) {
    weights[block + "se.fc1.weight"] = random.tensor({4, channels, 1, 1}, -0.5f, 0.5f);
    weights[block + "se.fc1.bias"] = random.tensor({4}, -0.5f, 0.5f);
    weights[block + "se.fc2.weight"] = random.tensor({channels, 4, 1, 1}, -0.5f, 0.5f);
  }
  weights["layer3.0.eca.conv.weight"] = random.tensor({1, 1, 3}, -0.5f, 0.5f);
  const auto kinds = [](const Graph& graph) {
    std::map<std::string, int> count;
    for (const Node& node : graph.nodes()) {
      if (node.operation) ++count[node.operation->kind()];
    }
    return count;
  };
  const Tensor inputs = random.tensor({4, 3, 20, 28}, -2, 2);
  for (const bool in_front : {false, true}) {
    if (in_front) {
      const Tensor behind = random.tensor({32}, 0.5f, 1.5f);
      for (const char* part : {"weight", "bias", "running_mean", "running_var"}) {
        weights[std::string("layer2.0.bn1.") + part] = random.tensor({8}, 0.5f, 1.5f);
        weights[std::string("layer3.0.bn1.") + part] = random.tensor({16}, 0.5f, 1.5f);
        weights[std::string("bn1.") + part] = behind;
      }
    }
    const Graph plain = build_mainnet_graph(sidenet::testing::describe(weights), {3, 20, 28});
    const Graph fused = fuse_nodes(plain);
    auto count = kinds(fused);
    CHECK(count["add"] + count["add+relu"] + count["relu"] + count["batch_norm"] == 0);
    CHECK(count[in_front ? "gate_channels+add" : "gate_channels+add+relu"] == 3);
    // In front of each block, and behind the last.
    CHECK(count["batch_norm+relu"] == (in_front ? 7 : 0));
    CHECK(count["channel_conv"] == 1);
    CHECK(close(run_final(plain, inputs, 1), run_final(fused, inputs, 2)));
  }
}

TEST_CASE("average pooling in ceil_mode rounds its size up, as PyTorch does") {
  const auto extent = [](std::int64_t size, int kernel, int stride, int padding, bool ceil) {
    const Shape in{1, size, size};
    return ops::Pool2d(ops::Pool2d::Kind::average, kernel, stride, padding, ceil)
        .output_shape(std::span(&in, 1))[1];
  };
  CHECK(extent(1, 2, 2, 0, true) == 1);
  CHECK(extent(7, 2, 2, 0, true) == 4);
  CHECK(extent(7, 2, 2, 0, false) == 3);
  CHECK(extent(8, 2, 2, 0, true) == 4);
  CHECK(extent(5, 2, 3, 0, true) == 2);
  CHECK(extent(6, 1, 3, 1, true) == 3);  // a fourth window would begin in the padding
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
  const auto with_exit = run_final(graph, inputs, 2);
  // The exit reads what it would of a graph in which nothing is fused.
  Graph plain = build_mainnet_graph(data, {3, 32, 32});
  CHECK(with_exit.size() == 2 * 5);
  CHECK(close(with_exit, run_final(plain, inputs, 2)));
  plain.add_exit("layer2.0.bn1",
                 plain.add("exit", graph.node(graph.find("exits.layer2.0.bn1")).operation,
                           {plain.find("layer2.0.bn1")}));
  CHECK(close(run_exit(graph, inputs, 2, 0), run_exit(plain, inputs, 2, 0)));
  data.exits.clear();
  CHECK(with_exit == run_final(build_exit_graph(data, {3, 32, 32}), inputs, 2));
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
  CHECK(graph.final_exit() == -1);
  graph.add_exit(
      kFinalExit,
      graph.add("relu", std::make_shared<ops::Elementwise>(kernels::Activation::relu), {input}));
  CHECK(graph.final_exit() == graph.find("relu"));
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
  CHECK_THROWS_WITH_AS(build_exit_graph(data, {4, 32, 32}),
                       doctest::Contains("conv2d: expected an input (3, H, W), got (4, 32, 32)"),
                       Error);
  const auto add = [](const Shape& input, std::shared_ptr<const Operation> operation) {
    Graph graph;
    const NodeId x = graph.add_input("image", input);
    return graph.node(graph.add("layer", std::move(operation), {x})).shape;
  };
  const auto conv = std::make_shared<ops::Conv2d>(Tensor(DType::f32, {8, 3, 5, 5}), Tensor(),
                                                  ops::Conv2dParameters{.padding = 1});
  CHECK(add({3, 3, 3}, conv) == Shape{8, 1, 1});
  for (const Shape& input : {Shape{3, 2, 3}, Shape{3, 3, 2}, Shape{3, 1, 1}}) {
    CHECK_THROWS_WITH_AS(add(input, conv),
                         ("node layer: conv2d: an input " + to_string(input) +
                          " is smaller than the kernel (8, 3, 5, 5)")
                             .c_str(),
                         Error);
  }
  const auto pool = std::make_shared<ops::Pool2d>(ops::Pool2d::Kind::max, 3, 2, 0);
  CHECK(add({3, 3, 3}, pool) == Shape{3, 1, 1});
  CHECK_THROWS_WITH_AS(add({3, 2, 3}, pool),
                       "node layer: pooling: an input (3, 2, 3) is smaller than the window 3",
                       Error);
}

TEST_CASE("an operation of five inputs is run") {
  Graph graph;
  const NodeId x = graph.add_input("x", {1});
  std::vector<NodeId> five;
  for (int i = 0; i < 5; ++i)
    five.push_back(graph.add("copy" + std::to_string(i), std::make_shared<WeightedSum>(), {x}));
  graph.add_exit("final", graph.add("sum", std::make_shared<WeightedSum>(), five));
  CHECK(Plan(graph, 1).most_inputs() == 5);
  for (const int threads : {1, 2}) {
    const Tensor inputs = Tensor::from({7, 1}, {1, 2, 3, 4, 5, 6, 7});
    CHECK(run_final(graph, inputs, threads) == std::vector<float>{15, 30, 45, 60, 75, 90, 105});
  }
}

TEST_CASE("a node with more inputs than its operation takes is refused, or with fewer") {
  const auto add = [](std::shared_ptr<const Operation> operation, std::size_t inputs) {
    Graph graph;
    const NodeId x = graph.add_input("x", {1});
    graph.add("layer", std::move(operation), std::vector<NodeId>(inputs, x));
  };
  CHECK_THROWS_WITH_AS(add(std::make_shared<ops::Elementwise>(kernels::Activation::relu), 0),
                       "node layer: relu: expected 1 input, got 0", Error);
  CHECK_THROWS_WITH_AS(add(std::make_shared<ops::Elementwise>(kernels::Activation::relu), 2),
                       "node layer: relu: expected 1 input, got 2", Error);
  CHECK_NOTHROW(add(std::make_shared<ops::Add>(), 2));
  CHECK_THROWS_WITH_AS(add(std::make_shared<ops::Add>(), 1),
                       "node layer: add: expected 2 inputs, got 1", Error);
  CHECK_THROWS_WITH_AS(add(std::make_shared<ops::Add>(), 3),
                       "node layer: add: expected 2 inputs, got 3", Error);
  CHECK_NOTHROW(add(std::make_shared<WeightedSum>(), 5));
  CHECK_THROWS_WITH_AS(add(std::make_shared<WeightedSum>(), 6),
                       "node layer: weighted_sum: expected 1 to 5 inputs, got 6", Error);
}
