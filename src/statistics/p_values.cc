#include "p_values.h"

#include <algorithm>
#include <cmath>

namespace sidenet {
namespace {

/// log(n!) by Stirling's series; below 16 from the recurrence. std::lgamma writes a global
/// variable.
double log_factorial(std::int64_t n) {
  double below = 0;  // log(16! / n!) and the like
  auto x = static_cast<double>(n) + 1;
  for (; x < 16; ++x) below += std::log(x);
  const double inverse = 1 / (x * x);
  const double series =
      (1.0 / 12 - inverse * (1.0 / 360 - inverse * (1.0 / 1260 - inverse / 1680))) / x;
  constexpr double half_log_two_pi = 0.91893853320467274178;
  return (x - 0.5) * std::log(x) - x + half_log_two_pi + series - below;
}

/// Bisection to the last bit that matters: the upper end of where `below` turns false.
template <typename Predicate>
double last_true(double low, double high, const Predicate& below) {
  for (int step = 0; step < 60 && high - low > 1e-13; ++step) {
    const double middle = 0.5 * (low + high);
    (below(middle) ? low : high) = middle;
  }
  return high;
}

}  // namespace

double binomial_pmf(std::int64_t k, std::int64_t n, double p) {
  const auto stay = static_cast<double>(n - k);
  return std::exp(log_factorial(n) - log_factorial(k) - log_factorial(n - k) +
                  static_cast<double>(k) * std::log(p) + stay * std::log1p(-p));
}

double binomial_cdf(std::int64_t k, std::int64_t n, double p) {
  if (k < 0) return 0;
  if (k >= n || p <= 0) return 1;
  if (p >= 1) return 0;
  // From the term next to the mean outwards, so that terms only fall.
  const double odds = p / (1 - p);
  const bool lower = static_cast<double>(k) <= static_cast<double>(n) * p;
  double term = binomial_pmf(lower ? k : k + 1, n, p), sum = 0;
  if (lower) {
    for (std::int64_t j = k; j >= 0 && term > sum * 1e-17; --j) {
      sum += term;
      term *= static_cast<double>(j) / (odds * static_cast<double>(n - j + 1));
    }
    return std::min(sum, 1.0);
  }
  for (std::int64_t j = k + 1; j <= n && term > sum * 1e-17; ++j) {
    sum += term;
    term *= odds * static_cast<double>(n - j) / static_cast<double>(j + 1);
  }
  return std::max(1 - sum, 0.0);
}

double normal_score(double p) {
  p = std::clamp(p, 1e-300, 1 - 1e-16);
  return last_true(-9, 38, [&](double z) { return 0.5 * std::erfc(z / std::sqrt(2.0)) > p; });
}

double binomial_upper(std::int64_t k, std::int64_t n, double delta) {
  if (k >= n) return 1;
  return last_true(static_cast<double>(k) / static_cast<double>(n), 1,
                   [&](double p) { return binomial_cdf(k, n, p) > delta; });
}

}  // namespace sidenet
