#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <optional>

#include "exit_graph.h"
#include "random_bert.h"
#include "tapped_session.h"

using namespace sidenet;
using sidenet::testing::BertSize;
using sidenet::testing::RandomWeights;

namespace {

Model model_with_exits(unsigned seed, const BertSize& size = {}) {
  ModelData data =
      sidenet::testing::describe_bert(sidenet::testing::random_bert(seed, size), size.heads);
  RandomWeights random(seed + 1);
  add_random_text_exit(random, data, "encoder.layer.2", TokenPooling::cls_mean,
                       24);  // given out of order on purpose
  add_random_text_exit(random, data, "embeddings", TokenPooling::mean, 9);
  add_random_text_exit(random, data, "encoder.layer.0", TokenPooling::cls, 16);
  return make_model(std::move(data));
}

bool same_row(const Answers& a, std::size_t i, const Answers& b, std::size_t j) {
  const auto classes = static_cast<std::size_t>(a.logits.dim(1));
  return a.exit[i] == b.exit[j] && a.index[i] == b.index[j] && a.confidence[i] == b.confidence[j] &&
         std::memcmp(a.logits.data<float>() + i * classes, b.logits.data<float>() + j * classes,
                     classes * sizeof(float)) == 0;
}

// A threshold that splits the rows: some leave at the exit and some do not.
double quantile_of_confidence(Session& session, const TokenRows& inputs, const std::string& exit,
                              double share) {
  ExitPolicy policy;
  policy.always_exit = exit;
  std::vector<float> confidence = session.run(inputs, policy).confidence;
  std::sort(confidence.begin(), confidence.end());
  return confidence[static_cast<std::size_t>(share * static_cast<double>(confidence.size()))];
}

ExitPolicy splitting_policy(Session& session, const TokenRows& inputs) {
  ExitPolicy policy;
  for (const char* exit : {"embeddings", "encoder.layer.0", "encoder.layer.2"})
    policy.thresholds[exit] = quantile_of_confidence(session, inputs, exit, 0.7);
  return policy;
}

}  // namespace

TEST_CASE(
    "a text's answer is the same to the bit alone, in any batch, in any order, on any number of "
    "threads") {
  for (unsigned seed = 1; seed <= 3; ++seed) {
    BertSize size;
    if (seed == 2) size.hidden = 60, size.heads = 5, size.intermediate = 33;
    if (seed == 3) size.types = 0;
    const Model model = model_with_exits(seed, size);
    const int rows = 41;
    const TokenRows inputs = sidenet::testing::random_texts(seed + 100, rows, size.positions, size);
    Session alone(model, {.execution = {.threads = 1}, .micro_batch = 1});
    const ExitPolicy policy = splitting_policy(alone, inputs);
    std::vector<Answers> expected;
    std::vector<int> taken(4, 0);
    std::int64_t multiply_adds = 0;
    for (std::int64_t row = 0; row < rows; ++row) {
      expected.push_back(alone.run(sidenet::testing::pick_rows(inputs, {row}), policy));
      ++taken[static_cast<std::size_t>(expected.back().exit[0])];
      multiply_adds += expected.back().multiply_adds;
    }
    for (const int count : taken) CHECK(count > 0);  // or the test would show nothing

    for (const int threads : {1, 2, 3}) {
      for (const int micro_batch : {0, 1, 2, 5, 64}) {
        Session session(model, {.execution = {.threads = threads}, .micro_batch = micro_batch});
        RandomWeights random(seed * 1000 + static_cast<unsigned>(threads * 10 + micro_batch));
        std::vector<std::int64_t> order(static_cast<std::size_t>(rows));
        std::iota(order.begin(), order.end(), 0);
        for (int shuffle = 0; shuffle < 2; ++shuffle) {
          const Answers got = session.run(sidenet::testing::pick_rows(inputs, order), policy);
          int wrong = 0;
          for (std::size_t i = 0; i < order.size(); ++i)
            wrong += !same_row(got, i, expected[static_cast<std::size_t>(order[i])], 0);
          CHECK_MESSAGE(wrong == 0, "threads " << threads << ", micro-batch " << micro_batch
                                               << ", order " << shuffle);
          CHECK(got.multiply_adds == multiply_adds);
          for (std::size_t i = order.size(); i > 1; --i)
            std::swap(order[i - 1], order[random.integer(static_cast<unsigned>(i))]);
        }
      }
    }
  }
}

TEST_CASE("long rows among short ones: the workspace grows, and nothing else changes") {
  BertSize size;
  size.positions = 700;
  const Model model = model_with_exits(7, size);
  TokenRows inputs = sidenet::testing::random_texts(8, 6, 5, size);
  const TokenRows longest = sidenet::testing::random_texts(9, 3, 700, size);
  REQUIRE(longest.tokens() > 300);
  Session session(model, {.execution = {.threads = 2}}),
      fresh(model, {.execution = {.threads = 1}});
  const Answers first = session.run(inputs);
  session.run(longest);
  const Answers again = session.run(inputs);
  for (std::size_t row = 0; row < 6; ++row) CHECK(same_row(first, row, again, row));
  for (std::int64_t row = 0; row < 3; ++row) {
    const TokenRows one = sidenet::testing::pick_rows(longest, {row});
    CHECK(same_row(fresh.run(one), 0, session.run(one), 0));
  }
}

TEST_CASE("compute: what a text costs by its length, and what an exit saves") {
  const BertSize size;
  const Model model = model_with_exits(5, size);
  Session session(model);
  for (const std::int64_t t : {1, 7, 40}) {
    const std::int64_t h = size.hidden, inner = size.intermediate;
    const std::int64_t layer = t * (4 * h * h + 2 * h * inner) + 2 * t * t * h;
    // Of the last layer, keys and values of all tokens; the rest of [CLS] alone.
    const std::int64_t last = t * 2 * h * h + 2 * t * h + 2 * h * h + 2 * h * inner;
    const std::int64_t mainnet = (size.layers - 1) * layer + last + h * h + h * size.classes;
    CHECK(session.mainnet_multiply_adds({t}) == mainnet);
    TokenRows row;
    for (std::int32_t i = 0; i < t; ++i)
      row.ids.push_back(i), row.positions.push_back(i), row.types.push_back(0);
    row.offsets.push_back(t);
    CHECK(session.run(row, ExitPolicy::final_only()).multiply_adds == mainnet);
    ExitPolicy policy;
    policy.always_exit = "encoder.layer.0";
    const Answers early = session.run(row, policy);
    CHECK(early.multiply_adds == layer + 16 * h + 16 * size.classes);
    CHECK(early.mainnet_multiply_adds == mainnet);
  }
  const auto exits = model.exits();
  REQUIRE(exits.size() == 4);
  CHECK(exits[0].name == "embeddings");
  CHECK(exits[0].token_pool == TokenPooling::mean);
  CHECK(exits[2].token_pool == TokenPooling::cls_mean);
  CHECK(exits[1].compute_share > 0.25);
  CHECK(exits[1].compute_share < 0.35);
  CHECK(exits[3].compute_share == 1);
}

TEST_CASE("all exits at once give what each gives alone") {
  const Model model = model_with_exits(11);
  Session session(model, {.execution = {.threads = 2}});
  const TokenRows inputs = sidenet::testing::random_texts(12, 23, 30);
  const AllExits all = session.run_all_exits(inputs);
  for (std::size_t exit = 0; exit < session.exit_names().size(); ++exit) {
    ExitPolicy policy;
    policy.always_exit = session.exit_names()[exit];
    const Tensor one = session.run(inputs, policy).logits;
    CHECK(std::memcmp(one.data<float>(), all.logits[exit].data<float>(), one.bytes()) == 0);
  }
}

TEST_CASE("features: [CLS] is the row's first token, and the mean is over the row's own tokens") {
  const Model model = model_with_exits(13);
  Batch batch;
  batch.tokens = sidenet::testing::random_texts(14, 9, 30);
  const auto features = [&](TokenPooling pooling) {
    TappedSession session(model, {"encoder.layer.1", "encoder.layer.3"}, {.tokens = pooling}, 2);
    return session.run(batch);
  };
  const auto cls = features(TokenPooling::cls), mean = features(TokenPooling::mean),
             both = features(TokenPooling::cls_mean);
  const std::size_t hidden = 48;
  for (std::size_t tap = 0; tap < 2; ++tap) {
    REQUIRE(both.features[tap].shape() == Shape{9, 96});
    for (std::size_t row = 0; row < 9; ++row) {
      const float* pair = both.features[tap].data<float>() + row * 2 * hidden;
      CHECK(std::memcmp(pair, cls.features[tap].data<float>() + row * hidden,
                        sizeof(float) * hidden) == 0);
      CHECK(std::memcmp(pair + hidden, mean.features[tap].data<float>() + row * hidden,
                        sizeof(float) * hidden) == 0);
    }
  }
  // A row of one token: its mean is its [CLS].
  batch.tokens = sidenet::testing::pick_rows(batch.tokens, {0});
  batch.tokens = TokenRows{{3}, {0}, {0}, {0, 1}};
  const auto single = features(TokenPooling::cls_mean);
  for (std::size_t i = 0; i < hidden; ++i) {
    CHECK(single.features[0].data<float>()[i] ==
          doctest::Approx(single.features[0].data<float>()[hidden + i]));
  }
  // The pooler and the classifier over the last layer's [CLS] give the logits.
  const auto tensors = model.tensors();
  const float *w1 = tensors.at("pooler.dense.weight").data<float>(),
              *b1 = tensors.at("pooler.dense.bias").data<float>();
  const float *w2 = tensors.at("classifier.weight").data<float>(),
              *b2 = tensors.at("classifier.bias").data<float>();
  std::vector<double> pooled(hidden);
  for (std::size_t o = 0; o < hidden; ++o) {
    double sum = b1[o];
    for (std::size_t i = 0; i < hidden; ++i)
      sum += static_cast<double>(w1[o * hidden + i]) * single.features[1].data<float>()[i];
    pooled[o] = std::tanh(sum);
  }
  for (std::size_t o = 0; o < 5; ++o) {
    double sum = b2[o];
    for (std::size_t i = 0; i < hidden; ++i) sum += w2[o * hidden + i] * pooled[i];
    CHECK(sum == doctest::Approx(single.logits.data<float>()[o]).epsilon(1e-4));
  }
}

TEST_CASE(
    "an encoder layer: a node a product, attention, two layer norms; of the last, [CLS] alone "
    "where that is read") {
  const std::vector<std::string> layer = {"linear",     "self_attention", "linear+add",
                                          "layer_norm", "linear+gelu",    "linear+add",
                                          "layer_norm"};
  const std::vector<std::string> pooled = {
      "linear",     "token_pool cls", "linear",      "first_token_attention",
      "linear+add", "layer_norm",     "linear+gelu", "linear+add",
      "layer_norm"};
  const auto check_last = [&](const std::optional<TokenPooling>& exit_there,
                              const std::vector<std::string>& last,
                              const std::vector<std::string>& behind) {
    ModelData data = sidenet::testing::describe_bert(sidenet::testing::random_bert(1), 4);
    RandomWeights random(2);
    if (exit_there) add_random_text_exit(random, data, "encoder.layer.3", *exit_there, 8);
    const Graph graph = build_exit_graph(data, default_input_shape(data));
    std::vector<std::string> kinds;
    for (const Node& node : graph.nodes())
      kinds.push_back(node.operation ? node.operation->kind() : "input");
    std::vector<std::string> expected = {"input", "embeddings", "layer_norm"};
    for (int i = 0; i < 3; ++i) expected.insert(expected.end(), layer.begin(), layer.end());
    expected.insert(expected.end(), last.begin(), last.end());
    expected.insert(expected.end(), behind.begin(), behind.end());
    CHECK(kinds == expected);
    for (const char* name : {"cls", "encoder.layer.3", "encoder.layer.3.attention.self"})
      CHECK(graph.find(name) >= 0);
  };
  check_last({}, pooled, {"linear+tanh", "linear"});
  check_last(TokenPooling::cls, pooled, {"linear+tanh", "linear", "exit"});
  check_last(TokenPooling::mean, layer, {"token_pool cls", "linear+tanh", "linear", "exit"});
}

TEST_CASE("what a tap needs of other tokens changes no bit of MainNet's answer") {
  struct Tap {
    std::string name;
    int width;
  };
  const BertSize size;
  const std::string last = "encoder.layer.3.";
  const Tap taps[] = {{"encoder.layer.2", size.hidden},
                      {"encoder.layer.3", size.hidden},
                      {"cls", size.hidden},
                      {last + "attention.self.qkv", 3 * size.hidden},
                      {last + "attention.self", size.hidden},
                      {last + "attention.output.dense", size.hidden},
                      {last + "attention.output.LayerNorm", size.hidden},
                      {last + "intermediate.act", size.intermediate}};
  const TokenRows inputs = sidenet::testing::random_texts(31, 37, size.positions, size);
  for (const std::string hidden_act : {"gelu", "relu"}) {
    const auto model_with = [&](const Tap* tap, TokenPooling pooling) {
      ModelData data =
          sidenet::testing::describe_bert(sidenet::testing::random_bert(30), size.heads);
      data.architecture =
          models::recognise(models::Weights(data.weights, "test"), "",
                            {{"num_attention_heads", "4"}, {"hidden_act", hidden_act}});
      RandomWeights random(32);
      if (tap) {
        const int features =
            pooling == TokenPooling::cls_mean && tap->name != "cls" ? 2 * tap->width : tap->width;
        add_random_exit(random, data, tap->name, 1, features, 8);
        data.exits.back().pooling.tokens = pooling;
      }
      return make_model(std::move(data));
    };
    Session plain(model_with(nullptr, TokenPooling::cls), {.execution = {.threads = 1}});
    const Tensor expected = plain.run(inputs).logits;
    for (const Tap& tap : taps) {
      for (const TokenPooling pooling :
           {TokenPooling::cls, TokenPooling::mean, TokenPooling::cls_mean}) {
        CAPTURE(tap.name);
        CAPTURE(hidden_act);
        Session session(model_with(&tap, pooling), {.execution = {.threads = 2}});
        for (const Tensor& logits : {session.run(inputs, ExitPolicy::final_only()).logits,
                                     session.run_all_exits(inputs).logits.back()}) {
          CHECK(std::memcmp(logits.data<float>(), expected.data<float>(), expected.bytes()) == 0);
        }
      }
    }
  }
}

TEST_CASE("wrong inputs: one clear error") {
  const Model model = model_with_exits(15);
  Session session(model);
  const auto refused = [&](TokenRows rows, const char* part) {
    CHECK_THROWS_WITH_AS(session.run(rows), doctest::Contains(part), Error);
  };
  refused({{1, 50}, {0, 1}, {0, 0}, {0, 2}},
          "row 0, token 1: expected a word id from 0 to 49, got 50");
  refused({{1, -1}, {0, 0}, {0, 0}, {0, 1, 2}},
          "row 1, token 0: expected a word id from 0 to 49, got -1");
  refused({{1}, {40}, {0}, {0, 1}}, "expected a position from 0 to 39, got 40");
  refused({{1}, {0}, {2}, {0, 1}}, "expected a token type from 0 to 1, got 2");
  refused({{1}, {0}, {0}, {0, 0, 1}}, "row 0: expected 1 to 40 tokens, got 0");
  refused({{1, 2}, {0, 1}, {0}, {0, 2}},
          "expected a position and a type for each of 2 word ids, got 2 and 1");
  refused({{1}, {0}, {0}, {0, 2}},
          "expected offsets from 0 to 1, the number of tokens, got 0 to 2");
  CHECK_THROWS_WITH_AS(session.run(Tensor(DType::f32, {1, 3, 8, 8})),
                       doctest::Contains("takes texts"), Error);
  CHECK(session.run(TokenRows{}).index.empty());
}
