#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <thread>

#include "confidence.h"
#include "random_model.h"
#include "tapped_session.h"

using namespace sidenet;
using sidenet::testing::RandomWeights;

namespace {

// Three exits, one of them on a stage's end; every shortcut kind.
Model model_with_exits(unsigned seed, bool projection = false) {
  ModelData data = sidenet::testing::describe(
      sidenet::testing::random_cifar_resnet(seed, 2, 8, 3, 7, projection));
  RandomWeights random(seed + 1);
  add_random_exit(random, data, "layer3.0", 2, 32 * 4, 24);  // given out of order on purpose
  add_random_exit(random, data, "layer1.0", 3, 8 * 9, 17);
  add_random_exit(random, data, "layer2", 1, 16, 16);
  return make_model(std::move(data));
}

Tensor random_rows(unsigned seed, std::int64_t rows, std::int64_t height = 32,
                   std::int64_t width = 32) {
  RandomWeights random(seed);
  return random.tensor({rows, 3, height, width}, -2, 2);
}

bool same_row(const Answers& a, std::int64_t i, const Answers& b, std::int64_t j) {
  const auto classes = static_cast<std::size_t>(a.logits.dim(1));
  return a.exit[i] == b.exit[j] && a.index[i] == b.index[j] && a.confidence[i] == b.confidence[j] &&
         std::memcmp(a.logits.data<float>() + i * a.logits.dim(1),
                     b.logits.data<float>() + j * b.logits.dim(1), classes * sizeof(float)) == 0;
}

// A threshold that splits the rows: some leave at the exit and some do not.
double median_confidence(Session& session, const Tensor& inputs, const std::string& exit) {
  ExitPolicy policy;
  policy.always_exit = exit;
  std::vector<float> confidence = session.run(inputs, policy).confidence;
  std::sort(confidence.begin(), confidence.end());
  return confidence[confidence.size() / 2];
}

}  // namespace

TEST_CASE("exits stand in the order of the graph") {
  Session session(model_with_exits(1));
  CHECK(session.exit_names() ==
        std::vector<std::string>{"layer1.0", "layer2", "layer3.0", "final"});
}

TEST_CASE(
    "a row's answer is the same to the bit alone, in any batch, in any order, on any number of "
    "threads") {
  for (unsigned seed = 1; seed <= 4; ++seed) {
    const Model model = model_with_exits(seed, seed % 2 == 0);
    const std::int64_t rows = 37;
    const Tensor inputs = random_rows(seed + 100, rows);
    Session alone(model, {.execution = {.threads = 1}, .micro_batch = 1});
    ExitPolicy policy;
    for (const char* exit : {"layer1.0", "layer2", "layer3.0"})
      policy.thresholds[exit] = median_confidence(alone, inputs, exit);

    Answers expected;
    expected.logits = Tensor(DType::f32, {rows, 7});
    std::vector<int> taken(4, 0);
    for (std::int64_t row = 0; row < rows; ++row) {
      const Answers one = alone.run(sidenet::testing::slice_rows(inputs, row, 1), policy);
      std::memcpy(expected.logits.mutable_data<float>() + row * 7, one.logits.data<float>(),
                  7 * sizeof(float));
      expected.index.push_back(one.index[0]);
      expected.confidence.push_back(one.confidence[0]);
      expected.exit.push_back(one.exit[0]);
      ++taken[static_cast<std::size_t>(one.exit[0])];
    }
    for (const int count : taken) CHECK(count > 0);  // or the test would show nothing

    for (const int threads : {1, 2, 3}) {
      for (const int micro_batch : {1, 2, 5, 16, 64}) {
        Session session(model, {.execution = {.threads = threads}, .micro_batch = micro_batch});
        const Answers whole = session.run(inputs, policy);
        int wrong = 0;
        for (std::int64_t row = 0; row < rows; ++row) wrong += !same_row(whole, row, expected, row);
        CHECK_MESSAGE(wrong == 0, "threads " << threads << ", micro-batch " << micro_batch);

        RandomWeights random(seed * 1000 + static_cast<unsigned>(threads * 10 + micro_batch));
        std::vector<std::int64_t> order(static_cast<std::size_t>(rows));
        std::iota(order.begin(), order.end(), 0);
        for (std::size_t i = order.size(); i > 1; --i)
          std::swap(order[i - 1], order[random.integer(static_cast<unsigned>(i))]);
        Tensor shuffled(DType::f32, inputs.shape());
        const std::int64_t each = inputs.size() / rows;
        for (std::int64_t row = 0; row < rows; ++row) {
          std::copy_n(inputs.data<float>() + order[static_cast<std::size_t>(row)] * each, each,
                      shuffled.mutable_data<float>() + row * each);
        }
        const Answers mixed = session.run(shuffled, policy);
        for (std::int64_t row = 0; row < rows; ++row)
          CHECK(same_row(mixed, row, expected, order[static_cast<std::size_t>(row)]));
      }
    }
  }
}

TEST_CASE("a row by all threads or by one (ThreadChoice tries one now and then): the same bits") {
  const Model model = model_with_exits(16);
  const Tensor inputs = random_rows(17, 1);
  Session alone(model, {.execution = {.threads = 1}, .micro_batch = 1}),
      session(model, {.execution = {.threads = 2}, .micro_batch = 1});
  const Answers expected = alone.run(inputs, ExitPolicy::final_only());
  for (int i = 0; i < 80; ++i)
    CHECK(same_row(session.run(inputs, ExitPolicy::final_only()), 0, expected, 0));
}

TEST_CASE(
    "an audited row keeps its answer and is told MainNet's; which rows, the seed and the row's "
    "number say") {
  const Model model = model_with_exits(12);
  const Tensor inputs = random_rows(13, 60);
  Session plain(model, {.execution = {.threads = 2}, .micro_batch = 5});
  ExitPolicy policy;
  for (const char* exit : {"layer1.0", "layer2"})
    policy.thresholds[exit] = median_confidence(plain, inputs, exit);
  const Answers expected = plain.run(inputs, policy),
                mainnet = plain.run(inputs, ExitPolicy::final_only());
  CHECK(expected.audit.empty());
  for (const double share : {0.3, 1.0}) {
    policy.audit_share = share;
    std::vector<int> whole;
    for (const int threads : {1, 2}) {
      Session session(model, {.execution = {.threads = threads}, .micro_batch = 4});
      const Answers answers = session.run(inputs, policy);
      int audited = 0;
      for (std::int64_t row = 0; row < 60; ++row) {
        CHECK(same_row(answers, row, expected, row));
        const int audit = answers.audit.at(static_cast<std::size_t>(row));
        if (audit < 0) continue;
        ++audited;
        CHECK(audit == mainnet.index[static_cast<std::size_t>(row)]);
      }
      CHECK(answers.multiply_adds > expected.multiply_adds);
      if (share == 1.0) CHECK(audited == 60);
      CHECK(audited >= 8);
      CHECK((share == 1.0 || audited <= 30));
      if (threads == 1) whole = answers.audit;
      CHECK(answers.audit == whole);
    }
    Session parts(model, {.execution = {.threads = 2}, .micro_batch = 4});
    std::vector<int> in_parts;
    for (std::int64_t first = 0; first < 60; first += 20) {
      const Answers answers = parts.run(sidenet::testing::slice_rows(inputs, first, 20), policy);
      in_parts.insert(in_parts.end(), answers.audit.begin(), answers.audit.end());
    }
    CHECK(in_parts == whole);
  }
  policy.audit_share = 1.5;
  CHECK_THROWS_WITH_AS(plain.run(inputs, policy), "audit_share: expected 0 to 1, got 1.500000",
                       Error);
}

TEST_CASE(
    "all exits: the parts' multiply-adds add up to MainNet's and the SideNets', and their times "
    "are told") {
  const Model model = model_with_exits(14);
  Session session(model, {.execution = {.threads = 2}});
  const Tensor inputs = random_rows(15, 9);
  const AllExits all = session.run_all_exits(inputs);
  REQUIRE(all.segment_ms.size() == 4);
  const auto sum = [](const auto& values) {
    return std::accumulate(values.begin(), values.end(), 0.0);
  };
  CHECK(sum(all.segment_multiply_adds) ==
        doctest::Approx(9.0 * static_cast<double>(session.mainnet_multiply_adds({3, 32, 32}))));
  for (std::size_t exit = 0; exit < 4; ++exit) {
    ExitPolicy policy;
    policy.always_exit = session.exit_names()[exit];
    const double before =
        std::accumulate(all.segment_multiply_adds.begin(),
                        all.segment_multiply_adds.begin() + static_cast<long>(exit) + 1, 0.0);
    CHECK(static_cast<double>(session.run(inputs, policy).multiply_adds) ==
          doctest::Approx(before + static_cast<double>(all.head_multiply_adds[exit])));
    CHECK(all.segment_ms[exit] > 0);
    CHECK((exit < 3 ? all.head_ms[exit] > 0 : all.head_ms[exit] == 0));
  }
}

TEST_CASE("an exit's work is its head and what stands before it") {
  const Model model = model_with_exits(5);
  Session session(model);
  const Tensor inputs = random_rows(6, 5);
  const std::int64_t mainnet = session.mainnet_multiply_adds({3, 32, 32});
  const auto exits = model.exits();
  for (const ExitInfo& exit : exits) {
    ExitPolicy policy;
    policy.always_exit = exit.name;
    const Answers answers = session.run(inputs, policy);
    CHECK(static_cast<double>(answers.multiply_adds) ==
          doctest::Approx(exit.compute_share * 5 * static_cast<double>(mainnet)).epsilon(1e-9));
  }
  CHECK(session.run(inputs, ExitPolicy::final_only()).multiply_adds == 5 * mainnet);
  CHECK(session.run(inputs, ExitPolicy::uniform(1.5)).multiply_adds == 5 * mainnet);
  // Threshold 0: everybody leaves at the first exit.
  const Answers first = session.run(inputs, ExitPolicy::uniform(0));
  for (const int exit : first.exit) CHECK(exit == 0);
}

TEST_CASE("exits that are shut or absent leave MainNet's answer as it is, to the bit") {
  const Model with = model_with_exits(8);
  ModelData plain = data_of(with);
  plain.exits.clear();
  const Model without = make_model(std::move(plain));
  Session a(with), b(without);
  const Tensor inputs = random_rows(9, 6);
  const Answers x = a.run(inputs, ExitPolicy::final_only()), y = b.run(inputs),
                z = a.run(inputs, ExitPolicy::uniform(2));
  REQUIRE(x.logits.size() == y.logits.size());
  CHECK(std::memcmp(x.logits.data<float>(), y.logits.data<float>(), x.logits.bytes()) == 0);
  CHECK(std::memcmp(x.logits.data<float>(), z.logits.data<float>(), x.logits.bytes()) == 0);
}

TEST_CASE("run_all_exits gives what each exit alone gives") {
  Session session(model_with_exits(11), {.execution = {.threads = 2}, .micro_batch = 4});
  const Tensor inputs = random_rows(12, 9);
  const AllExits all = session.run_all_exits(inputs);
  REQUIRE(all.logits.size() == 4);
  for (std::size_t i = 0; i < all.logits.size(); ++i) {
    ExitPolicy policy;
    policy.always_exit = session.exit_names()[i];
    CHECK(std::memcmp(session.run(inputs, policy).logits.data<float>(), all.logits[i].data<float>(),
                      all.logits[i].bytes()) == 0);
  }
}

TEST_CASE("other image sizes, and many of them in turn") {
  Session session(model_with_exits(13));
  for (const auto& [h, w] : std::vector<std::pair<int, int>>{
           {32, 32}, {40, 24}, {33, 47}, {16, 16}, {24, 24}, {48, 40}, {32, 32}}) {
    const Answers answers = session.run(random_rows(14, 3, h, w), ExitPolicy::final_only());
    CHECK(answers.logits.shape() == Shape{3, 7});
    for (int i = 0; i < 21; ++i) CHECK(std::isfinite(answers.logits.data<float>()[i]));
  }
}

TEST_CASE("bad requests are refused in one line") {
  Session session(model_with_exits(15));
  const Tensor inputs = random_rows(16, 1);
  const auto refused = [&](const Tensor& tensor, const ExitPolicy& policy) {
    try {
      session.run(tensor, policy);
    } catch (const Error& error) {
      CHECK(std::string(error.what()).find('\n') == std::string::npos);
      return true;
    }
    return false;
  };
  ExitPolicy unknown;
  unknown.always_exit = "layer9";
  CHECK(refused(inputs, unknown));
  unknown = {};
  unknown.thresholds["layer9"] = 0.5;
  CHECK(refused(inputs, unknown));
  unknown = {};
  unknown.thresholds["final"] = 0.5;
  CHECK(refused(inputs, unknown));
  CHECK(refused(inputs, ExitPolicy::uniform(std::nan(""))));
  CHECK(refused(inputs, ExitPolicy::uniform(-0.1)));
  CHECK(refused(Tensor(DType::f32, {1, 1, 32, 32}), {}));
  CHECK(refused(Tensor(DType::f32, {3, 32, 32}), {}));
  CHECK(refused(Tensor(DType::u8, {1, 3, 32, 32}), {}));
  CHECK_THROWS_AS(Session(model_with_exits(1), {.execution = {.threads = -1}}), Error);
  CHECK(session.run(Tensor(DType::f32, {0, 3, 32, 32})).index.empty());
}

TEST_CASE("NaN logits pass no threshold") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const Confidence kind :
       {Confidence::max_probability, Confidence::margin, Confidence::entropy}) {
    for (int place = 0; place < 3; ++place) {
      float logits[] = {1, 2, 3};
      logits[place] = nan;
      CHECK_FALSE(confidence_of(logits, 3, 1, kind) >= 0.0f);
    }
  }
}

TEST_CASE("confidence measures") {
  ExitPolicy policy;
  policy.always_exit = "layer2";
  Session session(model_with_exits(19));
  const Tensor inputs = random_rows(20, 4);
  std::map<Confidence, std::vector<float>> got;
  for (const Confidence kind :
       {Confidence::max_probability, Confidence::margin, Confidence::entropy}) {
    policy.confidence = kind;
    got[kind] = session.run(inputs, policy).confidence;
  }
  const Answers answers = session.run(inputs, policy);
  const Model model = model_with_exits(19);
  double t = 0;
  for (const auto& exit : model.exits()) t = exit.name == "layer2" ? exit.temperature : t;
  for (std::size_t row = 0; row < 4; ++row) {
    std::vector<double> p(7);
    double sum = 0;
    for (std::size_t c = 0; c < 7; ++c)
      sum += p[c] = std::exp(answers.logits.data<float>()[row * 7 + c] / t);
    double entropy = 0;
    for (double& v : p) v /= sum, entropy -= v * std::log(v);
    std::sort(p.rbegin(), p.rend());
    CHECK(got[Confidence::max_probability][row] == doctest::Approx(p[0]).epsilon(1e-5));
    CHECK(got[Confidence::margin][row] == doctest::Approx(p[0] - p[1]).epsilon(1e-4));
    CHECK(got[Confidence::entropy][row] ==
          doctest::Approx(1 - entropy / std::log(7.0)).epsilon(1e-4));
  }
}

TEST_CASE("tapped features are the averages of what the tap gives") {
  const Model model = model_with_exits(21);
  TappedSession tapped(model, {"layer1", "layer3.1"}, {.grid = 2}, 2);
  CHECK(tapped.feature_counts() == std::vector<int>{8 * 4, 32 * 4});
  const Tensor inputs = random_rows(22, 5);
  Batch batch;
  batch.inputs = inputs;
  const auto output = tapped.run(batch);
  REQUIRE(output.features.size() == 2);
  CHECK(output.features[0].shape() == Shape{5, 32});
  CHECK(output.features[1].shape() == Shape{5, 128});
  Session session(model);
  CHECK(std::memcmp(output.logits.data<float>(),
                    session.run(inputs, ExitPolicy::final_only()).logits.data<float>(),
                    output.logits.bytes()) == 0);
  // layer3.1 is what the head averages: four cells of equal size average to the head's input, so fc
  // of it gives the logits.
  const Tensor weight = model.tensors().at("linear.weight"),
               bias = model.tensors().at("linear.bias");
  for (int row = 0; row < 5; ++row) {
    for (int o = 0; o < 7; ++o) {
      double sum = bias.data<float>()[o];
      for (int c = 0; c < 32; ++c) {
        double mean = 0;
        for (int cell = 0; cell < 4; ++cell)
          mean += output.features[1].data<float>()[row * 128 + c * 4 + cell] / 4;
        sum += mean * weight.data<float>()[o * 32 + c];
      }
      CHECK(sum == doctest::Approx(output.logits.data<float>()[row * 7 + o]).epsilon(1e-4));
    }
  }
  CHECK_THROWS_AS(TappedSession(model, {"layer7"}, {.grid = 2}, 1), Error);
}

TEST_CASE("Winograd's convolutions and the direct sum agree, each in a plan of its own") {
  const Model model = model_with_exits(6);
  const Tensor inputs = random_rows(31, 5);
  SessionOptions direct_options;
  direct_options.execution.winograd = false;
  Session winograd(model), direct(model, direct_options);
  const AllExits a = winograd.run_all_exits(inputs), b = direct.run_all_exits(inputs);
  float largest = 0, difference = 0;
  for (std::size_t exit = 0; exit < a.logits.size(); ++exit) {
    for (std::int64_t i = 0; i < a.logits[exit].size(); ++i) {
      largest = std::max(largest, std::abs(b.logits[exit].data<float>()[i]));
      difference = std::max(
          difference, std::abs(a.logits[exit].data<float>()[i] - b.logits[exit].data<float>()[i]));
    }
  }
  CHECK(difference > 0);  // else the option does nothing
  CHECK(difference <= 1e-5f * largest);
}

TEST_CASE(
    "Sessions that meet a new plan at the same time, on threads of their own, make its kernels "
    "once") {
  for (unsigned round = 0; round < 8; ++round) {
    const Model model = model_with_exits(7 + round);
    const Tensor inputs = random_rows(40 + round, 6);
    std::vector<Answers> answers(4);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < answers.size(); ++i) {
      threads.emplace_back([&, i] {
        const ExitPolicy policy = i % 2 == 0 ? ExitPolicy::uniform(0.3) : ExitPolicy::final_only();
        answers[i] = Session(model, {.execution = {.threads = 2}}).run(inputs, policy);
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (std::int64_t row = 0; row < 6; ++row) {
      CHECK(same_row(answers[0], row, answers[2], row));
      CHECK(same_row(answers[1], row, answers[3], row));
    }
  }
}
