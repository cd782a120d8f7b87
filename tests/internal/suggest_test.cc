#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>

#include "exit_selection.h"
#include "label_map.h"
#include "operating_point.h"
#include "probes.h"
#include "quarters.h"
#include "random_scores.h"
#include "threshold_search.h"

using namespace sidenet;
using sidenet::testing::Quarters;

namespace {

using Set = std::vector<std::size_t>;
using Data = std::vector<std::shared_ptr<const Dataset>>;

const Model& mainnet() {
  static const Model model = [] {
    ModelData data = testing::describe(testing::random_cifar_resnet(1, 2, 4, 1, 4, false));
    data.preprocessing.resize = 16;
    return make_model(std::move(data));
  }();
  return model;
}

/// Images with other labels: what the random MainNet says of them but for one in `noise`, or
/// nothing that can be learnt.
class Labelled : public Quarters {
 public:
  Labelled(std::int64_t rows, unsigned seed, int noise = 12) : Quarters(rows, seed) {
    Session session(mainnet(), {.execution = {.threads = 1}});
    testing::RandomWeights random(seed);
    for (std::int64_t row = 0; row < rows; ++row) {
      const Tensor input =
          preprocess_image(image(row), mainnet().preprocessing()).reshape({1, 1, 16, 16});
      const int said = session.run(input, ExitPolicy::final_only()).index[0];
      labels_.push_back(noise == 0         ? static_cast<int>(random.integer(4))
                        : row % noise == 0 ? (said + 1) % 4
                                           : said);
    }
  }
  int label(std::int64_t row) const override { return labels_[static_cast<std::size_t>(row)]; }

 private:
  std::vector<int> labels_;
};

std::shared_ptr<const Dataset> labelled(std::int64_t rows, unsigned seed, int noise = 12) {
  return std::make_shared<Labelled>(rows, seed, noise);
}

class OneClass : public Quarters {
 public:
  using Quarters::Quarters;
  int label(std::int64_t) const override { return 2; }
};

SuggestOptions quick() {
  SuggestOptions options;
  options.execution.threads = 2;
  options.hidden = 16;
  options.probe_hidden = 16;
  options.probe_epochs = 8;
  options.max_drop = 0.02;
  return options;
}

double share_right(const ProbedExits& probed, const std::vector<std::uint32_t>& rows,
                   std::size_t tap) {
  const Tensor& logits = probed.measured.logits[tap];
  double right = 0;
  for (const std::uint32_t row : rows) {
    const float* first = logits.data<float>() + row * logits.dim(1);
    right += std::max_element(first, first + logits.dim(1)) - first == probed.measured.labels[row]
                 ? 1
                 : 0;
  }
  return right / static_cast<double>(rows.size());
}

ExitScores with_ms_and_weights(ExitScores scores) {
  testing::RandomWeights random(5);
  for (std::size_t k = 0; k < scores.exits(); ++k) {
    scores.segment_ms.push_back(0.1 + random.uniform(0, 1));
    scores.head_ms.push_back(k + 1 == scores.exits() ? 0 : random.uniform(0, 0.1f));
  }
  for (std::size_t row = 0; row < scores.rows(); ++row)
    scores.weight.push_back(random.uniform(0.2f, 3));
  return scores;
}

}  // namespace

TEST_CASE("a set's curve is uniform_curve's with the other exits shut") {
  const ExitScores plain = random_scores(500, 5, 1), rich = with_ms_and_weights(plain);
  for (const ExitScores* scores : {&plain, &rich}) {
    const bool timed = !scores->segment_ms.empty();
    std::vector<std::uint32_t> rows;
    for (std::uint32_t row = 3; row < 480; row += 2) rows.push_back(row);
    const CommonThreshold curves(*scores, rows,
                                 timed ? SearchOptions::Cost::ms : SearchOptions::Cost::compute);
    const OperatingPoint mainnet = operate(*scores, std::vector<double>(5, kShut), rows);
    for (const Set& set : {Set{}, Set{2}, Set{0, 4}, Set{1, 2, 3}, Set{0, 1, 2, 3, 4}}) {
      const std::vector<CommonThreshold::Point> curve = curves.curve(set);
      REQUIRE(curve.size() == threshold_grid().size() + 1);
      for (const CommonThreshold::Point& point : curve) {
        std::vector<double> thresholds(5, kShut);
        for (const std::size_t exit : set) thresholds[exit] = point.threshold;
        const OperatingPoint expected = operate(*scores, thresholds, rows);
        CHECK(point.drop == doctest::Approx(mainnet.accuracy - expected.accuracy).epsilon(1e-9));
        CHECK(point.loss ==
              doctest::Approx((mainnet.accuracy - expected.accuracy + 1 - expected.agreement) / 2)
                  .epsilon(1e-9));
        const double cost = timed ? expected.ms / mainnet.ms : expected.compute;
        CHECK(point.saved == doctest::Approx(1 - cost).epsilon(1e-5));
      }
      const CommonThreshold::Point best = curves.best(set, 0.01);
      for (const CommonThreshold::Point& point : curve)
        CHECK((point.loss > 0.01 || point.saved <= best.saved));
      CHECK(best.loss <= 0.01);
    }
  }
  CHECK_THROWS_AS(CommonThreshold(plain, all_rows(plain), SearchOptions::Cost::ms), Error);
  CHECK_THROWS_AS(CommonThreshold(plain, {}, SearchOptions::Cost::compute), Error);
}

TEST_CASE("the exits that are chosen: useful ones, and what their SideNets cost counts") {
  ExitScores scores = random_scores(2000, 6, 2);
  const std::vector<std::uint32_t> rows = all_rows(scores);
  const auto chosen = [&] {
    return select_exits(CommonThreshold(scores, rows, SearchOptions::Cost::compute),
                        {.max_exits = 3, .max_loss = 0.01});
  };
  const std::vector<Set> sets = chosen();
  REQUIRE(sets.size() == 3);
  const CommonThreshold curves(scores, rows, SearchOptions::Cost::compute);
  for (std::size_t count = 1; count <= 3; ++count) {
    REQUIRE(sets[count - 1].size() == count);
    CHECK(std::is_sorted(sets[count - 1].begin(), sets[count - 1].end()));
  }
  // The best of all sets of three.
  double most = 0;
  for (std::size_t a = 0; a < 6; ++a) {
    for (std::size_t b = a + 1; b < 6; ++b) {
      for (std::size_t c = b + 1; c < 6; ++c)
        most = std::max(most, curves.worth(Set{a, b, c}, 0.01));
    }
  }
  CHECK(curves.worth(sets[2], 0.01) == doctest::Approx(most));
  // Where these become dear, others take their places.
  for (const std::size_t exit : sets[2]) scores.head_compute[exit] = 0.5;
  const std::vector<Set> others = chosen();
  for (const std::size_t exit : others[2])
    CHECK(std::find(sets[2].begin(), sets[2].end(), exit) == sets[2].end());
  CHECK(select_exits(curves, {.max_exits = 16, .max_loss = 0.01}).size() == 6);
}

TEST_CASE("as many exits as earn their gain, even where one alone does not") {
  CHECK(worthwhile_exits(std::vector<double>{}, 0.01) == 0);
  CHECK(worthwhile_exits(std::vector<double>{0.005, 0.008}, 0.01) == 0);
  CHECK(worthwhile_exits(std::vector<double>{0.30, 0.35, 0.355}, 0.01) == 2);
  CHECK(worthwhile_exits(std::vector<double>{0.30, 0.305, 0.33}, 0.01) == 3);
  CHECK(worthwhile_exits(std::vector<double>{0.0, 0.0}, 0.0) == 0);
}

TEST_CASE("a suggestion: shares and costs are those of the model that train makes") {
  const Data data{labelled(900, 1)};
  const Suggestion result = suggest_exits(mainnet(), data, quick());
  CHECK(result.choosing_rows + result.told_rows == 900);
  CHECK(std::abs(result.told_rows - 225) < 20);
  CHECK(result.probe_rows > 300);
  CHECK(result.probe_rows < 500);
  CHECK(result.mainnet_accuracy > 0.85);
  CHECK(std::isnan(result.mainnet_ms));
  REQUIRE(result.taps.size() == 5);  // six blocks; nothing is left to save behind the last
  for (const ProbedTap& tap : result.taps) {
    const auto taps = mainnet().taps();
    const auto same =
        std::find_if(taps.begin(), taps.end(), [&](const auto& t) { return t.first == tap.name; });
    REQUIRE(same != taps.end());
    CHECK(tap.compute_share == doctest::Approx(same->second));
  }
  TrainOptions train;
  train.taps = {result.taps[1].name, result.taps[4].name};
  train.hidden = 16;
  train.epochs = 1;
  const std::vector<ExitInfo> exits = train_sidenets(mainnet(), data, train).model.exits();
  for (const std::size_t i : {std::size_t{0}, std::size_t{1}}) {
    const ProbedTap& tap = result.taps[i == 0 ? 1 : 4];
    CHECK(tap.compute_share + tap.head_compute == doctest::Approx(exits[i].compute_share));
  }

  REQUIRE(result.sets.size() == 4);
  const ExitSet& set = result.suggested;
  REQUIRE(!set.taps.empty());
  CHECK(result.gains.size() == set.taps.size());
  CHECK(set.worth > 0.05);
  CHECK(set.saved > 0.02);
  CHECK(std::accumulate(set.rows.begin(), set.rows.end(), std::int64_t{0}) == result.told_rows);
  CHECK(set.accuracy > result.mainnet_accuracy - 0.08);
}

TEST_CASE("the same seed gives the same, whatever the threads; another may not") {
  const Data data{labelled(400, 2)};
  SuggestOptions options = quick();
  const Suggestion first = suggest_exits(mainnet(), data, options);
  options.execution.threads = 1;
  const Suggestion again = suggest_exits(mainnet(), data, options);
  REQUIRE(first.taps.size() == again.taps.size());
  for (std::size_t i = 0; i < first.taps.size(); ++i) {
    CHECK(first.taps[i].accuracy == again.taps[i].accuracy);
    CHECK(first.taps[i].ece == again.taps[i].ece);
  }
  CHECK(first.suggested.taps == again.suggested.taps);
  CHECK(first.suggested.saved == again.suggested.saved);
  options.seed = 2;
  const Suggestion other = suggest_exits(mainnet(), data, options);
  CHECK(other.taps[2].ece != first.taps[2].ece);
}

TEST_CASE("no probe has learnt what it scores: of random labels it knows none") {
  const Data data{labelled(800, 3, 0)};
  const LabelledData labels = label_data(mainnet(), data);
  ProbeRows rows;
  for (std::int64_t row = 0; row < 800; ++row) rows.scored.push_back(row);
  SuggestOptions options = quick();
  options.probe_hidden = options.hidden = 128;
  options.probe_epochs = 30;
  const std::vector<std::string> taps{"layer1.1", "layer3.0"};
  const ProbedExits probed = probe_exits(mainnet(), labels, rows, taps, options, {});
  CHECK(probed.choosing.size() + probed.telling.size() == 800);
  for (const std::size_t tap : {std::size_t{0}, std::size_t{1}}) {
    CHECK(std::abs(share_right(probed, probed.choosing, tap) - 0.25) < 0.08);
    CHECK(std::abs(share_right(probed, probed.telling, tap) - 0.25) < 0.12);
  }
}

TEST_CASE("probes that learn from other rows; rows among both are left out") {
  SuggestOptions options = quick();
  options.probe_data = {labelled(600, 4)};
  const Suggestion apart = suggest_exits(mainnet(), {labelled(300, 5)}, options);
  CHECK(apart.left_out == 0);
  CHECK(apart.probe_rows == 540);  // a tenth stops early
  CHECK(apart.choosing_rows + apart.told_rows == 300);
  const Suggestion both = suggest_exits(mainnet(), {labelled(100, 4), labelled(200, 5)}, options);
  CHECK(both.left_out == 100);
  CHECK(both.choosing_rows + both.told_rows == 200);
  CHECK_THROWS_WITH_AS(suggest_exits(mainnet(), {labelled(300, 4)}, options),
                       "suggest: expected rows that probes do not learn from, got 300 of 300 that "
                       "stand among probe_data too",
                       Error);
  options.probe_rows = 200;
  options.rows = 150;
  const Suggestion fewer = suggest_exits(mainnet(), {labelled(300, 5)}, options);
  CHECK(fewer.probe_rows == 180);
  CHECK(fewer.choosing_rows + fewer.told_rows == 150);
}

TEST_CASE("candidates, a set to compare with, and time") {
  SuggestOptions options = quick();
  options.candidates = {"layer3.0", "layer1.1"};
  options.compare = {"layer1", "layer2.0"};  // layer1 is layer1.1
  options.by_time = true;
  const Suggestion result = suggest_exits(mainnet(), {labelled(300, 6)}, options);
  REQUIRE(result.taps.size() == 3);
  CHECK(result.taps[0].name == "layer1.1");
  CHECK(result.taps[1].name == "layer2.0");
  CHECK(result.taps[2].name == "layer3.0");
  REQUIRE(result.compared.has_value());
  CHECK(result.compared->taps == std::vector<std::string>{"layer1.1", "layer2.0"});
  CHECK(result.mainnet_ms > 0);
  for (const ProbedTap& tap : result.taps) {
    CHECK(tap.ms > 0);
    CHECK(tap.ms < result.mainnet_ms);
    CHECK(tap.head_ms > 0);
  }
}

TEST_CASE("of many taps 24 are tried, spread over the compute") {
  ModelData deep = testing::describe(testing::random_cifar_resnet(3, 11, 4, 1, 4, false));
  deep.preprocessing.resize = 16;
  SuggestOptions options = quick();
  options.probe_epochs = 1;
  options.max_exits = 1;
  const Suggestion result =
      suggest_exits(make_model(std::move(deep)), {std::make_shared<Quarters>(120, 1)}, options);
  REQUIRE(result.taps.size() == 24);
  double before = 0;
  for (const ProbedTap& tap : result.taps) {
    CHECK(tap.compute_share > before);
    CHECK(tap.compute_share - before < 0.09);
    before = tap.compute_share;
  }
  CHECK(before > 0.91);
}

TEST_CASE("where nothing is worth having, nothing is suggested") {
  SuggestOptions options = quick();
  options.min_gain = 0.9;
  const Suggestion none = suggest_exits(mainnet(), {labelled(200, 7)}, [&] {
    options.candidates = {"layer3.0"};
    return options;
  }());
  CHECK(none.suggested.taps.empty());
  CHECK(none.suggested.saved == 0);
  CHECK(none.suggested.accuracy == none.mainnet_accuracy);
  CHECK(none.gains.empty());
  CHECK(none.sets.size() == 1);
}

TEST_CASE("what it does not take") {
  const Data data{labelled(200, 8)};
  const auto fails = [&](const Data& rows, const char* message, auto change) {
    SuggestOptions options = quick();
    change(options);
    CHECK_THROWS_WITH_AS(suggest_exits(mainnet(), rows, options), message, Error);
  };
  const auto as_it_is = [](SuggestOptions&) {};
  fails({}, "suggest: the data has no rows", as_it_is);
  fails({labelled(99, 8)}, "suggest: expected at least 100 rows, got 99", as_it_is);
  fails({std::make_shared<OneClass>(120, 8)},
        "suggest: expected rows of two classes or more, got 120 of class 2 alone", as_it_is);
  fails(data, "suggest: max_exits: expected 1 to 16, got 0",
        [](SuggestOptions& o) { o.max_exits = 0; });
  fails(data, "suggest: max_exits: expected 1 to 16, got 17",
        [](SuggestOptions& o) { o.max_exits = 17; });
  fails(data, "suggest: max_drop: expected 0 to below 1, got 1.000000",
        [](SuggestOptions& o) { o.max_drop = 1; });
  fails(data, "suggest: rows: expected at least 100, got 5", [](SuggestOptions& o) { o.rows = 5; });
  fails(data, "suggest: probe_rows: expected at least 100, got 99",
        [](SuggestOptions& o) { o.probe_rows = 99; });
  fails(data, "suggest: compare: the tap 'layer1' stands twice", [](SuggestOptions& o) {
    o.compare = {"layer1.1", "layer1"};
  });
  SuggestOptions options = quick();
  options.candidates = {"layer9"};
  CHECK_THROWS_WITH_AS(suggest_exits(mainnet(), data, options),
                       doctest::Contains("no node 'layer9' to tap"), Error);
  options = quick();
  options.probe_epochs = 0;
  CHECK_THROWS_WITH_AS(suggest_exits(mainnet(), data, options),
                       "train: epochs: expected at least 1, got 0.000000", Error);
  const auto many = std::make_shared<Quarters>(200000, 9);
  options = quick();
  options.rows = many->rows();
  options.pool = 16;
  CHECK_THROWS_WITH_AS(suggest_exits(mainnet(), {many}, options),
                       "suggest: features of 5 taps and 200000 rows: expected at most 2.0 GiB, got "
                       "2.5 GiB: fewer rows, fewer "
                       "candidates or a smaller pool",
                       Error);
  CHECK(many->read == 0);
  const auto bad = std::make_shared<Quarters>(200, 9);
  bad->bad_row = 17;
  CHECK_THROWS_AS(suggest_exits(mainnet(), {bad}, quick()), Error);
  // A callback that throws stops the work.
  CHECK_THROWS_WITH(suggest_exits(mainnet(), data, quick(),
                                  [](const Progress& progress) {
                                    if (progress.stage == "train probes") throw Error("enough");
                                  }),
                    "enough");
}
