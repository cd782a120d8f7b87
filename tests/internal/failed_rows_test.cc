// Rows whose logits are not numbers: they have no answer, and the others of their batch have
// theirs.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <cstring>
#include <limits>
#include <numeric>

#include "quarters.h"
#include "random_bert.h"
#include "random_model.h"
#include "sidenet/suggestion.h"

using namespace sidenet;
using namespace sidenet::testing;

namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN(),
                kInf = std::numeric_limits<float>::infinity();
constexpr std::int64_t kPixels = 3 * 32 * 32;

ModelData images(unsigned seed) {
  ModelData data = describe(random_cifar_resnet(seed, 1, 8, 3, 7, false));
  RandomWeights random(seed + 1);
  add_random_exit(random, data, "layer1.0", 3, 8 * 9, 17);
  add_random_exit(random, data, "layer2.0", 1, 16, 16);
  return data;
}

Model texts(unsigned seed, const BertSize& size) {
  ModelData data = describe_bert(random_bert(seed, size), size.heads);
  RandomWeights random(seed + 1);
  add_random_text_exit(random, data, "encoder.layer.0", TokenPooling::cls_mean, 12);
  add_random_text_exit(random, data, "encoder.layer.2", TokenPooling::mean, 9);
  Tensor words = data.weights.at("embeddings.word_embeddings.weight").clone();
  words.mutable_data<float>()[7 * size.hidden + 3] = kNan;  // of word 7
  data.weights["embeddings.word_embeddings.weight"] = words;
  return make_model(std::move(data));
}

SessionOptions marking(int threads, int micro_batch) {
  SessionOptions options;
  options.execution.threads = threads, options.micro_batch = micro_batch;
  options.mark_failed_rows = true;
  return options;
}

ExitPolicy threshold(double value) {
  ExitPolicy policy;
  policy.threshold = value;
  return policy;
}

bool same_row(const Answers& a, std::size_t i, const Answers& b, std::size_t j) {
  const auto classes = static_cast<std::size_t>(a.logits.dim(1));
  const bool answered = a.index[i] >= 0;
  return a.exit[i] == b.exit[j] && a.index[i] == b.index[j] && a.confidence[i] == b.confidence[j] &&
         (!answered ||
          std::memcmp(a.logits.data<float>() + i * classes, b.logits.data<float>() + j * classes,
                      classes * sizeof(float)) == 0);
}

/// Every row as it is alone; `failing` rows have no answer, at their first open exit.
/// rows_of(numbers) picks some.
template <class Pick>
void check_rows(const Model& model, std::int64_t rows, const std::vector<std::int64_t>& failing,
                const ExitPolicy& policy, const Pick& rows_of) {
  Session alone(model, marking(1, 1));
  std::vector<Answers> expected;
  for (std::int64_t row = 0; row < rows; ++row) {
    expected.push_back(alone.run(rows_of({row}), policy));
    const bool fails = std::find(failing.begin(), failing.end(), row) != failing.end();
    CHECK(expected.back().failed.size() == (fails ? 1 : 0));
    CHECK(expected.back().index[0] == (fails ? -1 : expected.back().index[0]));
    CHECK((expected.back().confidence[0] == 0) == fails);
  }
  std::vector<std::int64_t> order(static_cast<std::size_t>(rows));
  std::iota(order.begin(), order.end(), 0);
  for (const int threads : {1, 2, 3}) {
    for (const int micro_batch : {0, 1, 2, 5}) {
      Session session(model, marking(threads, micro_batch)),
          strict(model, {.execution = {.threads = threads}, .micro_batch = micro_batch});
      RandomWeights random(static_cast<unsigned>(threads * 10 + micro_batch));
      for (std::size_t i = order.size(); i > 1; --i)
        std::swap(order[i - 1], order[random.integer(static_cast<unsigned>(i))]);
      const Answers got = session.run(rows_of(order), policy);
      std::vector<std::int64_t> failed;
      for (std::size_t i = 0; i < order.size(); ++i) {
        CHECK(same_row(got, i, expected[static_cast<std::size_t>(order[i])], 0));
        if (got.index[i] < 0) failed.push_back(static_cast<std::int64_t>(i));
      }
      CHECK(got.failed == failed);
      REQUIRE(!failed.empty());
      const std::string message =
          "row " + std::to_string(failed[0]) + ": " + session.why_failed(got, failed[0]);
      CHECK_THROWS_WITH_AS(strict.run(rows_of(order), policy), message.c_str(), Error);
    }
  }
}

/// One number of a weight is none.
Model with_nan(ModelData data, const std::string& name, std::size_t place) {
  Tensor weight = data.weights.at(name).clone();
  weight.mutable_data<float>()[place] = kNan;
  data.weights.insert_or_assign(name, weight);
  return make_model(std::move(data));
}

}  // namespace

TEST_CASE("images") {
  const Model model = make_model(images(1));
  RandomWeights random(2);
  Tensor inputs = random.tensor({11, 3, 32, 32}, -2, 2);
  inputs.mutable_data<float>()[3 * kPixels + 40] = kInf;
  inputs.mutable_data<float>()[6 * kPixels + 5] = kInf;
  inputs.mutable_data<float>()[11 * kPixels - 1] = -kInf;
  const auto pick = [&](const std::vector<std::int64_t>& rows) {
    Tensor picked(DType::f32, {static_cast<std::int64_t>(rows.size()), 3, 32, 32});
    for (std::size_t i = 0; i < rows.size(); ++i)
      std::copy_n(inputs.data<float>() + rows[i] * kPixels, kPixels,
                  picked.mutable_data<float>() + i * kPixels);
    return picked;
  };
  for (const double value : {0.0, 0.25, 2.0})
    check_rows(model, 11, {3, 6, 10}, threshold(value), pick);
  Session session(model, marking(1, 0));
  const Answers answers = session.run(inputs, threshold(2));
  CHECK(session.why_failed(answers, 3) ==
        "no answer: the logits of exit final are not numbers (NaN or infinite)");
}

TEST_CASE("texts: those with a word whose embedding is NaN") {
  const BertSize size;
  const Model model = texts(4, size);
  TokenRows inputs = random_texts(5, 13, 20, size);
  std::vector<std::int64_t> failing;
  for (std::int32_t& id : inputs.ids) id = id == 7 ? 8 : id;
  for (const std::int64_t row : {2, 3, 12}) {
    inputs.ids[static_cast<std::size_t>(inputs.offsets[static_cast<std::size_t>(row + 1)] - 1)] = 7;
    failing.push_back(row);
  }
  const auto pick = [&](const std::vector<std::int64_t>& rows) { return pick_rows(inputs, rows); };
  for (const double value : {0.0, 0.3, 2.0}) check_rows(model, 13, failing, threshold(value), pick);
}

TEST_CASE("a SideNet of NaN fails rows that ask it, and no others") {
  const Model model = with_nan(images(6), "exits.layer2.0.fc2.bias", 4);
  RandomWeights random(7);
  const Tensor inputs = random.tensor({9, 3, 32, 32}, -2, 2);
  Session session(model, marking(2, 4));
  ExitPolicy policy;
  policy.thresholds = {{"layer1.0", 0}, {"layer2.0", 0.9}};
  CHECK(session.run(inputs, policy).failed.empty());
  policy.thresholds["layer1.0"] = 2;
  const Answers none = session.run(inputs, policy);
  CHECK(none.failed.size() == 9);
  CHECK(session.why_failed(none, 8) ==
        "no answer: the logits of exit layer2.0 are not numbers (NaN or infinite)");
  CHECK(none.multiply_adds < none.mainnet_multiply_adds);  // they went no further
  CHECK(session.run(inputs, ExitPolicy::final_only()).failed.empty());
  policy.audit_share = 1;  // asked, although the row has its answer
  policy.thresholds["layer1.0"] = 0;
  const Answers audited = session.run(inputs, policy);
  CHECK(audited.failed.empty());
  CHECK(audited.audit == session.run(inputs, ExitPolicy::final_only()).index);
}

TEST_CASE("a MainNet of NaN: rows that a SideNet answers have answers, and no audit") {
  const Model model = with_nan(images(8), "linear.bias", 0);
  RandomWeights random(9);
  const Tensor inputs = random.tensor({6, 3, 32, 32}, -2, 2);
  Session session(model, marking(1, 0));
  ExitPolicy policy = threshold(0);
  policy.audit_share = 1;
  const Answers answers = session.run(inputs, policy);
  CHECK(answers.failed.empty());
  CHECK(answers.audit == std::vector<int>(6, -1));
  policy.threshold = 2;
  CHECK(session.run(inputs, policy).failed.size() == 6);
  CHECK(session.run(inputs, policy).audit == std::vector<int>(6, -1));
}

TEST_CASE("what measures a model names the row") {
  ModelData data = describe(random_cifar_resnet(1, 1, 4, 1, 4, false));
  data.preprocessing.resize = 16;
  RandomWeights random(2);
  add_random_exit(random, data, "layer1.0", 1, 4, 4);
  Tensor bias = data.weights.at("linear.bias").clone();
  bias.mutable_data<float>()[1] = kInf;
  data.weights["linear.bias"] = bias;
  const Model model = make_model(std::move(data));
  const auto rows = std::make_shared<Quarters>(120, 1);
  const std::string message =
      rows->name(0) + ": no answer: the logits of exit final are not numbers (NaN or infinite)";
  const auto fails = [](const std::string& expected, const std::function<void()>& call) {
    CHECK_THROWS_WITH_AS(call(), expected.c_str(), Error);
  };
  fails(message, [&] { evaluate(model, *rows, threshold(0), {}); });
  fails(message, [&] { sweep(model, *rows, {}); });
  fails(message, [&] { calibrate(model, *rows, {}); });
  TrainOptions options;
  options.taps = {"layer1.0"};
  fails("train layer1.0: MainNet's logits of row 0 are not numbers (NaN or infinite)",
        [&] { train_sidenets(model, {rows}, options); });
}
