#include "sidenet/drift_guard.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <tuple>

#include "sidenet/error.h"
#include "threshold.h"

namespace sidenet {
namespace {

constexpr double kLowestThreshold = 0.1, kHighestThreshold = 0.999;
constexpr double kSmallestStep = 0.5, kLargestStep = 2;
constexpr std::int64_t kMostRows = std::int64_t{1} << 53, kMostRounds = 1'000'000;  // of a state

struct Tilt {
  double t, weight;
};
using Tilts = std::array<Tilt, 19>;

/// Log-odds ratios 0.02 ... 10, half an octave apart. The weights prefer rates of 1.3 to 15 times
/// the limit and forget no other.
Tilts make_tilts() {
  Tilts tilts{};
  double sum = 0;
  for (std::size_t k = 0; k < tilts.size(); ++k) {
    const double log_t = std::log(0.02) + 0.5 * std::numbers::ln2 * static_cast<double>(k);
    tilts[k] = {std::exp(log_t), 1 / (1 + log_t * log_t)};
    sum += tilts[k].weight;
  }
  for (Tilt& tilt : tilts) tilt.weight /= sum;
  return tilts;
}

const Tilts& tilts() {
  static const Tilts made = make_tilts();
  return made;
}

/// Prior probability that the rate rises at row j or later, j >= 1. So slow a decay, because the
/// price of a start at row j is the logarithm of its weight: about log j.
double start_tail(std::int64_t j) { return 1 / (1 + std::log2(static_cast<double>(j))); }
double start_weight(std::int64_t j) { return start_tail(j) - start_tail(j + 1); }

/// log sum_t w_t exp(sign t s - n log(1 - p + p exp(sign t))): evidence that the mean rate is above
/// p (sign 1) or below it (sign -1). As log(1 - p + p exp(t)) is concave in p, rates that change
/// give no more of it than their own supermartingale.
double log_evidence(std::int64_t rows, std::int64_t differing, double p, double sign) {
  std::array<double, std::tuple_size_v<Tilts>> terms{};
  for (std::size_t k = 0; k < terms.size(); ++k) {
    const double t = sign * tilts()[k].t;
    terms[k] = std::log(tilts()[k].weight) + t * static_cast<double>(differing) -
               static_cast<double>(rows) * std::log1p(p * std::expm1(t));
  }
  const double largest = *std::max_element(terms.begin(), terms.end());
  double sum = 0;
  for (const double term : terms) sum += std::exp(term - largest);
  return largest + std::log(sum);
}

/// The p between the rate seen, which is not refused, and `far` at which the evidence reaches 1 /
/// level.
double bound(const DriftGuard::Counts& seen, double far, double level) {
  double kept = seen.value(), refused = far;
  const double sign = far < kept ? 1 : -1;
  for (int step = 0; step < 60; ++step) {
    const double middle = (kept + refused) / 2;
    (log_evidence(seen.rows, seen.differing, middle, sign) < -std::log(level) ? kept : refused) =
        middle;
  }
  return refused;
}

double log_odds(double p) { return std::log(p) - std::log1p(-p); }

void expect_between(const std::string& field, std::int64_t value, std::int64_t low,
                    std::int64_t high) {
  if (value >= low && value <= high) return;
  const std::string range =
      std::to_string(low) + (low == high ? "" : " to " + std::to_string(high));
  throw Error("drift guard: state: " + field + ": expected " + range + ", got " +
              std::to_string(value));
}

/// A sum of starts, or the largest of them: 0 … most. NaN is none.
void expect_sum(const std::string& field, double value, double most) {
  if (value >= 0 && value <= most) return;
  throw Error("drift guard: state: " + field + ": expected 0 to " + std::to_string(most) +
              ", got " + std::to_string(value));
}

/// n: rows that the bets have seen, of which `differing` differ at most.
void check_bet(const std::string& name, const DriftGuard::State::Bet& bet, std::int64_t n,
               std::int64_t differing) {
  expect_sum(name + ".evidence", bet.evidence, n > 0 ? std::numeric_limits<double>::infinity() : 0);
  expect_sum(name + ".best", bet.best, bet.evidence);
  expect_between(name + ".start", bet.start, 1, std::max<std::int64_t>(n, 1));
  expect_between(name + ".differing", bet.differing, 0, std::min(n - bet.start + 1, differing));
}

}  // namespace

DriftGuard::DriftGuard(double limit, double delta) : limit_(limit), delta_(delta) {
  if (!(limit >= 0 && limit <= 1))
    throw Error("drift guard: limit: expected 0 to 1, got " + std::to_string(limit));
  if (!(delta > 0 && delta < 1))
    throw Error("drift guard: delta: expected above 0 and below 1, got " + std::to_string(delta));
  start_over();
}

DriftGuard::DriftGuard(const State& state) : DriftGuard(state.limit, state.delta) {
  expect_between("round", state.round, 1, kMostRounds);
  expect_between("rows", state.rows, 0, kMostRows);
  expect_between("differing", state.differing, 0, state.rows);
  expect_between("alarm_row", state.alarm_row, 0, state.rows);
  const auto bets = static_cast<std::int64_t>(bets_.size());
  expect_between("bets", static_cast<std::int64_t>(state.bets.size()), bets, bets);
  round_ = state.round;
  rows_ = state.rows;
  differing_ = state.differing;
  alarm_ = state.alarm_row > 0;
  alarm_rows_ = alarm_ ? state.alarm_row : rows_;
  for (std::size_t k = 0; k < bets_.size(); ++k) {
    check_bet("bets[" + std::to_string(k) + "]", state.bets[k], alarm_rows_, differing_);
    static_cast<State::Bet&>(bets_[k]) = state.bets[k];
  }
  evidence_ = evidence_after(alarm_rows_);
  if (alarm_ != (evidence_ >= 1 / level())) {
    throw Error("drift guard: state: alarm_row: expected " +
                std::string(alarm_ ? "0" : "1 or more") + " with an evidence of " +
                std::to_string(evidence_) + ", got " + std::to_string(state.alarm_row));
  }
}

DriftGuard::State DriftGuard::state() const {
  return {.limit = limit_,
          .delta = delta_,
          .round = round_,
          .rows = rows_,
          .differing = differing_,
          .alarm_row = alarm_ ? alarm_rows_ : 0,
          .bets = {bets_.begin(), bets_.end()}};
}

void DriftGuard::start_over() {
  ++round_;
  rows_ = differing_ = 0;
  alarm_ = false;
  evidence_ = 1;
  bets_.clear();
  for (const auto& [t, weight] : tilts()) {
    const double mean = 1 + limit_ * std::expm1(t);  // of exp(t x) at the limit
    // No row may differ at limit 0: one that does is proof.
    const double if_differing =
        limit_ > 0 ? std::exp(t) / mean : std::numeric_limits<double>::infinity();
    bets_.push_back({{}, weight, if_differing, 1 / mean});
  }
}

double DriftGuard::level() const {
  const double k = std::numbers::pi * round_;
  return 6 * delta_ / (k * k);
}

void DriftGuard::observe(bool early, bool agreed) {
  const bool differs = early && !agreed;
  ++rows_;
  differing_ += differs ? 1 : 0;
  if (alarm_) return;
  const double starts = start_weight(rows_);
  for (Bet& bet : bets_) {
    const double factor = differs ? bet.if_differing : bet.if_not;
    bet.evidence = (bet.evidence + starts) * factor;
    if (bet.best < starts) {
      bet.best = starts;
      bet.start = rows_;
      bet.differing = 0;
    }
    bet.best *= factor;
    bet.differing += differs ? 1 : 0;
  }
  evidence_ = evidence_after(rows_);
  alarm_ = evidence_ >= 1 / level();
  alarm_rows_ = rows_;
}

double DriftGuard::evidence_after(std::int64_t rows) const {
  double evidence = start_tail(rows + 1);  // of the starts to come
  for (const Bet& bet : bets_) evidence += bet.weight * bet.evidence;
  return evidence;
}

DriftGuard::Rate DriftGuard::rate() const {
  const Counts seen{rows_, differing_};
  return {seen, differing_ > 0 ? bound(seen, 0, level()) : 0.0,
          differing_ < rows_ ? bound(seen, 1, level()) : 1.0};
}

DriftGuard::Counts DriftGuard::recent() const {
  if (!alarm_) return {rows_, differing_};
  const Bet& bet = *std::max_element(bets_.begin(), bets_.end(), [](const Bet& a, const Bet& b) {
    return a.weight * a.best < b.weight * b.best;
  });
  return {alarm_rows_ - bet.start + 1, bet.differing};
}

std::map<std::string, double> DriftGuard::raised(
    const std::map<std::string, double>& thresholds) const {
  const Counts seen = recent();
  // Half a row more of each kind keeps the odds of few rows within reason.
  const double differing = static_cast<double>(seen.differing) + 0.5,
               agreeing = static_cast<double>(seen.rows) - differing + 1;
  const double step =
      std::clamp(std::log(differing / agreeing) - log_odds(limit_), kSmallestStep, kLargestStep);
  std::map<std::string, double> result;
  for (const auto& [exit, threshold] : thresholds) {
    const double odds = log_odds(std::clamp(threshold, kLowestThreshold, 1.0)) + step;
    const double stricter = 1 / (1 + std::exp(-odds));
    result[exit] = threshold <= 1 && stricter <= kHighestThreshold ? stricter : kShut;
  }
  return result;
}

}  // namespace sidenet
