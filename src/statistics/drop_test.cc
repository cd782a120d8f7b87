#include "drop_test.h"

#include <algorithm>
#include <cmath>

#include "p_values.h"

namespace sidenet {
namespace {

constexpr double kNuisanceShare = 0.001;  // of delta: what the interval of r may miss
constexpr double kSlack = 0.0005;         // of p: how far the bounds may be from the maximum
constexpr double kNegligible = 1e-16;     // probability left out of a sum
constexpr int kTried = 16;                // levels at which largest_kept looks again

}  // namespace

double drop_statistic(double worse, double better, double rows, double epsilon) {
  const double sum = worse - better;
  const double a = 2 * rows, b = (2 * rows - sum) * epsilon - worse - better,
               c = -better * epsilon * (1 - epsilon);
  // The root without cancellation.
  const double root = std::sqrt(std::max(b * b - 4 * a * c, 0.0));
  const double q = b > 0 ? -2 * c / (b + root) : (root - b) / (2 * a);
  const double variance = 2 * q + epsilon * (1 - epsilon);
  if (!(variance > 0)) return 0;
  const double d = (sum / rows - epsilon) / variance;
  const auto part = [](double count, double ratio) {
    return count > 0 ? count * std::log1p(std::max(ratio, -1.0)) : 0;
  };
  const double half = part(worse, d * (1 - epsilon)) + part(better, -d * (1 + epsilon)) +
                      part(rows - worse - better, -d * epsilon);
  return std::copysign(std::sqrt(2 * std::max(half, 0.0)), d);
}

/// {z <= z seen}: for each number of worse rows the fewest better ones.
class DropTest::Region {
 public:
  Region(const DropTest& test, std::int64_t worse, std::int64_t better, double most_worse)
      : rows_(test.rows_) {
    const auto statistic = [&](std::int64_t w, std::int64_t b) {
      return drop_statistic(static_cast<double>(w), static_cast<double>(b),
                            static_cast<double>(rows_), test.epsilon_);
    };
    const double seen = statistic(worse, better);
    const double edge = seen + 1e-9 * std::abs(seen);  // ties are in, whatever the last bit says
    const auto last = std::min(rows_, static_cast<std::int64_t>(most_worse) + 1);
    fewest_.reserve(static_cast<std::size_t>(last) + 1);
    std::int64_t least = 0;
    for (std::int64_t w = 0; w <= last; ++w) {
      while (least <= rows_ - w && statistic(w, least) > edge) ++least;
      fewest_.push_back(least);
    }
  }

  static std::int64_t first_worse(double mean) {
    return std::max<std::int64_t>(0, static_cast<std::int64_t>(mean - 9 * std::sqrt(mean) - 20));
  }
  static double last_worse(double mean) { return mean + 9 * std::sqrt(mean) + 40; }

  /// Its probability where a row is worse with probability plus, better with minus. Sums over
  /// worse; the tail of better given worse is carried on from one to the next.
  double probability(double plus, double minus) const {
    const double mean = static_cast<double>(rows_) * plus;
    const std::int64_t first = first_worse(mean),
                       last = std::min<std::int64_t>(static_cast<std::int64_t>(fewest_.size()) - 1,
                                                     static_cast<std::int64_t>(last_worse(mean)));
    if (plus >= 1) return fewest_.back() == 0 ? 1 : 0;
    if (plus <= 0) return Tail(rows_, minus, fewest_[0]).value();
    const double share = std::clamp(minus / (1 - plus), 0.0, 1.0), odds = plus / (1 - plus);
    double pmf = binomial_pmf(first, rows_, plus), sum = 0;
    Tail tail(rows_ - first, share, fewest_[static_cast<std::size_t>(first)]);
    for (std::int64_t w = first; w <= last; ++w) {
      tail.raise(fewest_[static_cast<std::size_t>(w)]);
      sum += pmf * tail.value();
      pmf *= odds * static_cast<double>(rows_ - w) / static_cast<double>(w + 1);
      tail.drop_row();
    }
    return std::clamp(sum + kNegligible, 0.0, 1.0);
  }

 private:
  /// P(X >= k) for X of Binomial(n, p) as n falls and k grows, a step each.
  class Tail {
   public:
    Tail(std::int64_t n, double p, std::int64_t k) : n_(n), k_(k), p_(p) {
      tail_ = k <= 0 ? 1 : 1 - binomial_cdf(k - 1, n, p);
      renew(k);
    }
    double value() const {
      if (k_ <= 0 || k_ > n_ || p_ <= 0 || p_ >= 1) return k_ <= 0 || (k_ <= n_ && p_ >= 1) ? 1 : 0;
      return std::clamp(tail_, 0.0, 1.0);
    }
    void raise(std::int64_t k) {
      for (; k_ < k; ++k_) {
        tail_ -= term_;
        term_ *= static_cast<double>(std::max<std::int64_t>(n_ - k_, 0)) /
                 static_cast<double>(k_ + 1) * p_ / (1 - p_);
        if (!(term_ > kTiny)) renew(k_ + 1);
      }
    }
    void drop_row() {
      if (n_ <= 0) return;
      tail_ -= term_ * static_cast<double>(k_) / static_cast<double>(n_);
      term_ *= static_cast<double>(std::max<std::int64_t>(n_ - k_, 0)) /
               (static_cast<double>(n_) * (1 - p_));
      --n_;
      if (!(term_ > kTiny)) renew(k_);
    }

   private:
    static constexpr double kTiny = 1e-280;  // below it the recurrence would stay at 0
    void renew(std::int64_t k) {
      term_ = k < 0 || k > n_ || p_ <= 0 || p_ >= 1 ? 0 : binomial_pmf(k, n_, p_);
    }

    std::int64_t n_, k_;
    double p_, tail_ = 1, term_ = 0;  // term_: P(X = k)
  };

  std::int64_t rows_;
  std::vector<std::int64_t> fewest_;
};

DropTest::DropTest(std::int64_t rows, double epsilon, double delta, Precision precision)
    : rows_(rows),
      epsilon_(epsilon),
      delta_(delta),
      gamma_(kNuisanceShare * delta),
      precision_(precision) {}

/// The largest probability of the region for r in [low, high], or a little more.
double DropTest::bound(const Region& region, double low, double high) const {
  struct Interval {
    double low, high, most;
  };
  const auto at = [&](double a, double b) {
    return region.probability(std::min(1.0, (a + epsilon_) / 2), std::max(0.0, (b - epsilon_) / 2));
  };
  const bool at_delta = precision_ == Precision::at_delta;
  const double settled = delta_ - gamma_, passed = at_delta ? settled * (1 - kSlack) : 0,
               failed = at_delta ? settled : 1;
  const double near = 1 + (at_delta ? kSlack : 10 * kSlack);
  double seen = std::max(at(low, low), at(high, high));  // is reached
  double most = seen;
  std::vector<Interval> open{{low, high, at(low, high)}};
  while (!open.empty()) {
    const Interval interval = open.back();
    open.pop_back();
    if (interval.most <= std::max({seen * near, passed, kNegligible}) || seen > failed) {
      most = std::max(most, interval.most);
      continue;
    }
    const double middle = (interval.low + interval.high) / 2;
    seen = std::max(seen, at(middle, middle));
    open.push_back({middle, interval.high, at(middle, interval.high)});
    open.push_back({interval.low, middle, at(interval.low, middle)});
  }
  return most;
}

double DropTest::p_value(std::int64_t worse, std::int64_t better) const {
  if (rows_ == 0) return 1;
  const std::int64_t changed = worse + better;
  const double low = std::max(epsilon_, 1 - binomial_upper(rows_ - changed, rows_, gamma_ / 2)),
               high = binomial_upper(changed, rows_, gamma_ / 2);
  if (high < low) return gamma_;  // no rate has so large a difference
  const Region region(*this, worse, better,
                      Region::last_worse(static_cast<double>(rows_) * (high + epsilon_) / 2));
  return std::min(1.0, gamma_ + bound(region, low, high));
}

double largest_kept(double most, const std::function<bool(double)>& passes) {
  if (passes(0)) return 0;
  double refused = most, kept = 0;
  const auto halve = [&] {
    for (int step = 0; step < 24; ++step) {
      const double middle = (kept + refused) / 2;
      (passes(middle) ? refused : kept) = middle;
    }
  };
  halve();
  // p is no monotone function of epsilon to the last bit: the largest that is kept counts.
  for (int i = kTried; i > 0; --i) {
    const double level = refused + (most - refused) * i / (kTried + 1);
    if (passes(level)) continue;
    kept = level;
    refused = most;
    halve();
    break;
  }
  return refused;
}

}  // namespace sidenet
