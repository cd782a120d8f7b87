#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "sidenet/drift_guard.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "random.h"
#include "sidenet/error.h"

using namespace sidenet;
using doctest::Approx;

namespace {

void observe(DriftGuard& guard, bool differs) { guard.observe(true, !differs); }

/// Rows until the alarm, at most `most`; most + 1 where there is none.
std::int64_t rows_to_alarm(DriftGuard& guard, Random& random, double rate, std::int64_t most) {
  for (std::int64_t row = 1; row <= most; ++row) {
    observe(guard, random.uniform() < rate);
    if (guard.alarm()) return row;
  }
  return most + 1;
}

/// The mean of the evidence over all sequences of `rows` rows that differ at this rate.
double expected_evidence(double limit, double rate, int rows) {
  double mean = 0;
  for (unsigned sequence = 0; sequence < 1u << rows; ++sequence) {
    DriftGuard guard(limit, 1e-30);
    double probability = 1;
    for (int row = 0; row < rows; ++row) {
      const bool differs = (sequence >> row & 1) != 0;
      probability *= differs ? rate : 1 - rate;
      observe(guard, differs);
    }
    mean += probability * guard.evidence();
  }
  return mean;
}

}  // namespace

TEST_CASE("the evidence is 1 in the mean at the limit, less below it, more above it") {
  for (const double limit : {0.001, 0.02, 0.3, 0.9}) {
    CAPTURE(limit);
    for (const int rows : {1, 5, 11})
      CHECK(expected_evidence(limit, limit, rows) == Approx(1).epsilon(1e-12));
    CHECK(expected_evidence(limit, 0.9 * limit, 11) < 1 - 1e-6);
    CHECK(expected_evidence(limit, 1.1 * limit, 11) > 1 + 1e-6);
  }
}

// Literals from the formulas, summed and solved in Python with scipy 1.17's brentq.
TEST_CASE("evidence and bounds are the formulas'") {
  DriftGuard guard(0.05, 0.01);
  for (const bool differs : {false, false, true, false, true, true, false}) observe(guard, differs);
  CHECK(guard.evidence() == Approx(15.121858303799753).epsilon(1e-12));
  struct Case {
    int rows, differing;
    double lower, upper;
  };
  for (const Case& expected : {Case{1000, 20, 0.009832054726282314, 0.035282345775436576},
                               Case{1000, 0, 0, 0.003858733391883049},
                               Case{30, 9, 0.11142848071857354, 0.5490826933098805},
                               Case{200, 200, 0.9808366099821838, 1}}) {
    DriftGuard rows(1, 0.1);  // its bounds are of the first round, whatever comes
    for (int row = 0; row < expected.rows; ++row) observe(rows, row < expected.differing);
    CHECK(rows.rate().lower == Approx(expected.lower).epsilon(1e-9));
    CHECK(rows.rate().upper == Approx(expected.upper).epsilon(1e-9));
  }
}

TEST_CASE(
    "at the limit no more than a share delta of streams ever alarms, whatever number of rounds") {
  constexpr int streams = 2000, rows = 3000;
  constexpr double delta = 0.2;
  for (const double limit : {0.02, 0.3}) {
    int with_alarm = 0, alarms = 0;
    for (int stream = 0; stream < streams; ++stream) {
      Random random(1, static_cast<std::uint64_t>(stream));
      DriftGuard guard(limit, delta);
      for (int row = 0; row < rows; ++row) {
        observe(guard, random.uniform() < limit);
        if (!guard.alarm()) continue;
        with_alarm += guard.round() == 1 ? 1 : 0;
        ++alarms;
        guard.start_over();
      }
    }
    MESSAGE("limit ", limit, ": ", with_alarm, " of ", streams, " streams alarm, ", alarms,
            " alarms");
    CHECK(with_alarm <= delta * 6 / (3.14159265 * 3.14159265) * streams);
    CHECK(alarms <= delta * streams);
    CHECK(with_alarm >= streams / 50);  // that powerless it is not
  }
}

TEST_CASE("a rate above the limit is found, the sooner the higher it is") {
  std::vector<std::int64_t> medians;
  for (const double factor : {2.0, 5.0, 10.0}) {
    std::vector<std::int64_t> delays;
    for (std::uint64_t stream = 0; stream < 101; ++stream) {
      Random random(2, stream);
      DriftGuard guard(0.02, 0.1);
      delays.push_back(rows_to_alarm(guard, random, 0.02 * factor, 20000));
    }
    std::sort(delays.begin(), delays.end());
    medians.push_back(delays[delays.size() / 2]);
    CHECK(delays.back() <= 20000);
  }
  MESSAGE("median rows at 2, 5 and 10 times the limit: ", medians[0], ", ", medians[1], ", ",
          medians[2]);
  CHECK(medians[0] <= 600);
  CHECK(medians[1] <= 80);
  CHECK(medians[2] <= 25);
}

TEST_CASE("a long quiet time does not hide a rise") {
  DriftGuard guard(0.02, 0.1);
  for (int row = 0; row < 20000; ++row) observe(guard, row % 200 == 199);
  CHECK(!guard.alarm());
  int rows = 0;
  while (!guard.alarm() && rows < 1000) observe(guard, ++rows % 10 == 0);
  CHECK(rows <= 300);
  CHECK(guard.rate().value() < 0.01);  // of all rows
  const DriftGuard::Counts recent = guard.recent();
  CHECK(std::abs(recent.rows - rows) <= 30);
  CHECK(recent.value() == Approx(0.1).epsilon(0.2));
  // An alarm stays, and what it was about too.
  const double evidence = guard.evidence();
  CHECK(evidence >= 1 / guard.level());
  for (int row = 0; row < 1000; ++row) observe(guard, false);
  CHECK(guard.alarm());
  CHECK(guard.evidence() == evidence);
  CHECK(guard.recent().rows == recent.rows);
  CHECK(guard.rate().rows == 21000 + rows);
}

TEST_CASE(
    "each bound of the rate fails in a share delta of streams at most, all times together, rates "
    "that change included") {
  constexpr int streams = 500;
  const auto constant = [](int) { return 0.03; };
  const auto changing = [](int row) { return row < 100 ? 0.0 : row % 3 == 0 ? 0.15 : 0.01; };
  for (const bool changes : {false, true}) {
    int below = 0, above = 0;
    for (int stream = 0; stream < streams; ++stream) {
      Random random(3, static_cast<std::uint64_t>(stream));
      DriftGuard guard(0.02, 0.3);
      bool low = false, high = false;
      double sum = 0;
      for (int row = 0, next = 10; row < 2000; ++row) {
        const double rate = changes ? changing(row) : constant(row);
        sum += rate;
        observe(guard, random.uniform() < rate);
        if (row + 1 < next) continue;
        next += 1 + next / 2;
        const double mean = sum / (row + 1);
        const DriftGuard::Rate seen = guard.rate();
        low = low || seen.upper < mean;
        high = high || seen.lower > mean;
        CHECK(seen.lower <= seen.value());
        CHECK(seen.upper >= seen.value());
      }
      below += low ? 1 : 0;
      above += high ? 1 : 0;
    }
    const double most = DriftGuard(0.02, 0.3).level() * streams;
    MESSAGE("upper bound too low ", below, ", lower bound too high ", above, " of ", streams);
    CHECK(below <= most);
    CHECK(above <= most);
    CHECK(below + above >= 1);
  }
}

TEST_CASE("final agrees with itself") {
  DriftGuard guard(0, 0.1);
  CHECK(guard.rate().lower == 0);
  CHECK(guard.rate().upper == 1);
  for (int row = 0; row < 100; ++row) guard.observe(false, false);
  CHECK(!guard.alarm());
  CHECK(guard.rate().rows == 100);
  CHECK(guard.rate().differing == 0);
}

TEST_CASE("limit 0 alarms at the first row that differs, limit 1 never") {
  DriftGuard zero(0, 1e-12), one(1, 0.99);
  for (int row = 0; row < 50; ++row) observe(zero, false);
  CHECK(!zero.alarm());
  CHECK(zero.evidence() == Approx(1));
  observe(zero, true);
  CHECK(zero.alarm());
  CHECK(zero.recent().differing == 1);
  for (int row = 0; row < 5000; ++row) observe(one, true);
  CHECK(!one.alarm());
  CHECK(one.evidence() == Approx(1));
  observe(one, false);
  CHECK(one.evidence() < 1);
}

TEST_CASE("the same rows give the same bits") {
  for (int round = 0; round < 2; ++round) {
    Random first(4), second(4);
    DriftGuard a(0.05, 0.1), b(0.05, 0.1);
    const double rate = round == 0 ? 0.05 : 0.1;
    CHECK(rows_to_alarm(a, first, rate, 3000) == rows_to_alarm(b, second, rate, 3000));
    CHECK(a.evidence() == b.evidence());
    CHECK(a.rate().lower == b.rate().lower);
    CHECK(a.rate().upper == b.rate().upper);
  }
}

TEST_CASE("rounds share delta") {
  DriftGuard guard(0.02, 0.1);
  double sum = 0;
  for (int round = 1; round <= 1000; ++round, guard.start_over()) {
    CHECK(guard.round() == round);
    sum += guard.level();
  }
  CHECK(sum < 0.1);
  CHECK(sum > 0.0999);
  observe(guard, true);
  guard.start_over();
  CHECK(guard.rate().rows == 0);
  CHECK(guard.evidence() == 1);
}

TEST_CASE("raised thresholds are stricter, by how far the rate is above the limit, and end shut") {
  const std::map<std::string, double> thresholds = {
      {"a", 0.9}, {"b", 0.02}, {"c", 0.9985}, {"d", 1.0}, {"e", 1.5}};
  const auto log_odds = [](double p) { return std::log(p / (1 - p)); };
  DriftGuard mild(0.02), strong(0.02);
  Random random(5);
  rows_to_alarm(mild, random, 0.04, 100000);
  while (!strong.alarm()) observe(strong, true);
  CHECK(mild.alarm());
  const auto little = mild.raised(thresholds), much = strong.raised(thresholds);
  const double step = log_odds(little.at("a")) - log_odds(0.9);
  CHECK(step >= 0.5 - 1e-9);
  CHECK(step < 1.3);
  CHECK(log_odds(much.at("a")) - log_odds(0.9) == Approx(2));
  CHECK(log_odds(little.at("b")) - log_odds(0.1) == Approx(step));
  for (const char* shut : {"c", "d", "e"}) CHECK(little.at(shut) == 2);
  CHECK(little.size() == thresholds.size());
  std::map<std::string, double> again = thresholds;
  int rounds = 0;
  for (; again.at("a") <= 1 || again.at("b") <= 1; ++rounds) again = DriftGuard(0.02).raised(again);
  CHECK(rounds <= 19);
  CHECK(rounds >= 5);
  CHECK(DriftGuard(0).raised(thresholds).at("a") > 0.9);
  CHECK(DriftGuard(1).raised(thresholds).at("a") > 0.9);
}

namespace {

/// Whether the two are the same now, in all that they tell.
bool same(const DriftGuard& a, const DriftGuard& b) {
  const DriftGuard::Rate one = a.rate(), two = b.rate();
  const std::map<std::string, double> thresholds = {{"a", 0.5}};
  return a.state() == b.state() && a.alarm() == b.alarm() && a.evidence() == b.evidence() &&
         a.level() == b.level() && one.rows == two.rows && one.differing == two.differing &&
         one.lower == two.lower && one.upper == two.upper && a.recent().rows == b.recent().rows &&
         a.recent().differing == b.recent().differing &&
         a.raised(thresholds) == b.raised(thresholds);
}

/// What is wrong with the state of a guard that has seen 30 rows, two of them differing, after a
/// change.
template <typename Change>
std::string refusal(Change change, bool with_alarm = false) {
  DriftGuard guard(0.05, 0.1);
  for (int row = 0; row < 30; ++row)
    observe(guard, row == 10 || row == 25 || (with_alarm && row >= 25));
  CHECK(guard.alarm() == with_alarm);
  DriftGuard::State state = guard.state();
  CHECK(DriftGuard(state).state() == state);
  change(state);
  try {
    DriftGuard restored(state);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("a guard made from the state of another goes on to the bit, wherever it was cut") {
  for (const double limit : {0.0, 0.001, 0.05, 0.5, 1.0}) {
    CAPTURE(limit);
    int alarms = 0, cuts = 0;
    for (std::uint64_t stream = 0; stream < 40; ++stream) {
      Random random(8, stream);
      DriftGuard whole(limit, 0.2);
      auto cut = std::make_unique<DriftGuard>(limit, 0.2);
      const double rate = stream % 2 == 0 ? limit : std::min(1.0, 3 * limit + 0.01);
      const double how_often = stream % 3 == 0 ? 0.5 : 0.02;
      for (int row = 0; row < 600; ++row) {
        const bool differs = random.uniform() < rate;
        observe(whole, differs);
        observe(*cut, differs);
        alarms += whole.alarm() && cut->alarm() ? 1 : 0;
        if (whole.alarm() && random.uniform() < 0.05) {  // some rows come after an alarm
          whole.start_over();
          cut->start_over();
        }
        if (random.uniform() >= how_often) continue;
        cut = std::make_unique<DriftGuard>(cut->state());
        ++cuts;
        REQUIRE(same(whole, *cut));
      }
      CHECK(same(whole, *cut));
    }
    CHECK(cuts > 1000);
    CHECK((alarms > 0) == (limit < 1));
  }
}

TEST_CASE("the state says where the guard stands") {
  DriftGuard guard(0, 0.3);
  CHECK(guard.state().bets.front() == DriftGuard::State::Bet{});
  for (int row = 0; row < 5; ++row) observe(guard, row == 3);
  const DriftGuard::State state = guard.state();
  CHECK(state.limit == 0);
  CHECK(state.delta == 0.3);
  CHECK(state.round == 1);
  CHECK(state.rows == 5);
  CHECK(state.differing == 1);
  CHECK(state.alarm_row == 4);
  CHECK(std::isinf(state.bets.front().evidence));
  CHECK(std::isinf(DriftGuard(state).evidence()));
}

TEST_CASE("a state that no guard can have is refused") {
  using State = DriftGuard::State;
  const std::string start = "drift guard: state: ";
  const auto field = [](auto State::*member, auto value) {
    return [=](State& state) { state.*member = value; };
  };
  CHECK(refusal(field(&State::limit, 1.5)) == "drift guard: limit: expected 0 to 1, got 1.500000");
  CHECK(refusal(field(&State::delta, 0.0)) ==
        "drift guard: delta: expected above 0 and below 1, got 0.000000");
  CHECK(refusal(field(&State::delta, NAN)) ==
        "drift guard: delta: expected above 0 and below 1, got nan");
  for (const int round : {0, -1, 2'000'000'000})
    CHECK(refusal(field(&State::round, round)) ==
          start + "round: expected 1 to 1000000, got " + std::to_string(round));
  for (const std::int64_t rows : {std::int64_t{-1}, INT64_MAX})
    CHECK(refusal(field(&State::rows, rows))
              .starts_with(start + "rows: expected 0 to 9007199254740992, got "));
  CHECK(refusal(field(&State::rows, std::int64_t{1})) ==
        start + "differing: expected 0 to 1, got 2");
  CHECK(refusal(field(&State::differing, std::int64_t{-1})) ==
        start + "differing: expected 0 to 30, got -1");
  CHECK(refusal(field(&State::alarm_row, std::int64_t{31})) ==
        start + "alarm_row: expected 0 to 30, got 31");
  CHECK(refusal(field(&State::alarm_row, std::int64_t{30}))
            .starts_with(start + "alarm_row: expected 0 with an evidence of "));
  CHECK(refusal(field(&State::alarm_row, std::int64_t{0}), true)
            .starts_with(start + "alarm_row: expected 1 or more with an evidence of "));
  CHECK(refusal([](State& state) { state.bets.pop_back(); }) ==
        start + "bets: expected 19, got 18");
  CHECK(refusal([](State& state) { state.bets.emplace_back(); }) ==
        start + "bets: expected 19, got 20");
  CHECK(refusal([](State& state) { state.bets.clear(); }) == start + "bets: expected 19, got 0");

  using Bet = State::Bet;
  const auto bet = [](auto Bet::*member, auto value) {
    return [=](State& state) { state.bets[7].*member = value; };
  };
  for (const double wrong : {-1.0, static_cast<double>(NAN)}) {
    CHECK(refusal(bet(&Bet::evidence, wrong))
              .starts_with(start + "bets[7].evidence: expected 0 to inf, got "));
    CHECK(refusal(bet(&Bet::best, wrong)).starts_with(start + "bets[7].best: expected 0 to "));
  }
  CHECK(refusal(bet(&Bet::evidence, static_cast<double>(INFINITY)))
            .starts_with(start + "alarm_row: expected 1 or more"));
  CHECK(refusal(bet(&Bet::best, 1e6)).starts_with(start + "bets[7].best: expected 0 to "));
  for (const std::int64_t wrong : {0, -5, 31})
    CHECK(refusal(bet(&Bet::start, wrong)) ==
          start + "bets[7].start: expected 1 to 30, got " + std::to_string(wrong));
  for (const std::int64_t wrong : {-1, 3}) {
    const std::string expected = start + "bets[7].differing: expected 0 to 2, got ";
    CHECK(refusal(bet(&Bet::differing, wrong)) == expected + std::to_string(wrong));
  }
  DriftGuard::State early = DriftGuard(0.1).state();
  early.bets[0].evidence = 1;
  CHECK_THROWS_WITH_AS(DriftGuard{early},
                       "drift guard: state: bets[0].evidence: expected 0 to 0.000000, got 1.000000",
                       Error);
}

TEST_CASE("limits and deltas out of range are refused") {
  CHECK_THROWS_WITH_AS(DriftGuard(-0.1), "drift guard: limit: expected 0 to 1, got -0.100000",
                       Error);
  CHECK_THROWS_WITH_AS(DriftGuard(1.1), "drift guard: limit: expected 0 to 1, got 1.100000", Error);
  CHECK_THROWS_AS(DriftGuard(NAN), Error);
  CHECK_THROWS_WITH_AS(DriftGuard(0.1, 0),
                       "drift guard: delta: expected above 0 and below 1, got 0.000000", Error);
  CHECK_THROWS_AS(DriftGuard(0.1, 1), Error);
  CHECK_THROWS_AS(DriftGuard(0.1, NAN), Error);
}

// The table of docs/thresholds.md: drift_guard_test --no-skip --test-case="how many rows*" (a
// minute).
TEST_CASE("how many rows until an alarm" * doctest::skip()) {
  constexpr int streams = 1000, quiet = 10000;
  const auto quantiles = [&](double limit, double factor, int quiet_rows) {
    std::vector<std::int64_t> delays;
    for (std::uint64_t stream = 0; stream < streams; ++stream) {
      Random random(6, stream);
      DriftGuard guard(limit, 0.1);
      if (rows_to_alarm(guard, random, limit / 2, quiet_rows) <= quiet_rows) continue;
      delays.push_back(rows_to_alarm(guard, random, limit * factor, 200000));
    }
    std::sort(delays.begin(), delays.end());
    return std::to_string(delays[delays.size() / 2]) + " (" +
           std::to_string(delays[delays.size() * 9 / 10]) + ")";
  };
  std::string table = "\n| limit | rise | at once | after 10,000 rows |\n|---|---|---|---|\n";
  for (const double limit : {0.005, 0.01, 0.02, 0.05}) {
    for (const double factor : {1.5, 2.0, 3.0, 5.0, 10.0}) {
      table += std::string("| ") + doctest::toString(100 * limit).c_str() + " % | " +
               doctest::toString(factor).c_str() + "x | " + quantiles(limit, factor, 0) + " | " +
               quantiles(limit, factor, quiet) + " |\n";
    }
  }
  for (const double share : {0.5, 0.9, 1.0}) {
    int alarms = 0;
    for (std::uint64_t stream = 0; stream < 2 * streams; ++stream) {
      Random random(7, stream);
      DriftGuard guard(0.02, 0.1);
      alarms += rows_to_alarm(guard, random, 0.02 * share, 20000) <= 20000 ? 1 : 0;
    }
    table += std::to_string(alarms) + " of " + std::to_string(2 * streams) +
             " streams of 20,000 rows alarm at " + doctest::toString(share).c_str() +
             " times the limit of 2 %\n";
  }
  MESSAGE(table);
}
