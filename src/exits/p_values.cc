#include "p_values.h"

#include <algorithm>
#include <cmath>

namespace sidenet {
namespace {

/// log(n!) by Stirling's series; below 16 from the recurrence. std::lgamma writes a global variable.
double log_factorial(std::int64_t n) {
  double below = 0;  // log(16! / n!) and the like
  auto x = static_cast<double>(n) + 1;
  for (; x < 16; ++x) below += std::log(x);
  const double inverse = 1 / (x * x);
  const double series = (1.0 / 12 - inverse * (1.0 / 360 - inverse * (1.0 / 1260 - inverse / 1680))) / x;
  constexpr double half_log_two_pi = 0.91893853320467274178;
  return (x - 0.5) * std::log(x) - x + half_log_two_pi + series - below;
}

/// 0 < p < 1.
double binomial_pmf(std::int64_t k, std::int64_t n, double p) {
  const auto stay = static_cast<double>(n - k);
  return std::exp(log_factorial(n) - log_factorial(k) - log_factorial(n - k) + static_cast<double>(k) * std::log(p) +
                  stay * std::log1p(-p));
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

/// P(S <= s) for the sum S of n rows that are +1 or -1 at rate D in all, +1 more often by epsilon. 0 < D < 1.
/// Given m rows that are not 0, those of +1 are Binomial(m, (1 + epsilon / D) / 2), and S <= s is (m + s) / 2 of them at
/// most.
double sum_cdf(std::int64_t s, std::int64_t n, double epsilon, double rate) {
  const double plus = std::min(1.0, 0.5 * (1 + epsilon / rate));
  constexpr double negligible = 1e-19;
  const auto given = [&](std::int64_t m) { return m + s < 0 ? 0.0 : binomial_cdf((m + s) / 2, m, plus); };
  const auto mode = std::min(n, static_cast<std::int64_t>(static_cast<double>(n + 1) * rate));
  const double peak = binomial_pmf(mode, n, rate), odds = rate / (1 - rate);
  double sum = 0, pmf = peak;
  for (std::int64_t m = mode; m <= n && pmf > negligible; ++m) {
    sum += pmf * given(m);
    pmf *= odds * static_cast<double>(n - m) / static_cast<double>(m + 1);
  }
  pmf = peak;
  for (std::int64_t m = mode; m > 0; --m) {
    pmf *= static_cast<double>(m) / (odds * static_cast<double>(n - m + 1));
    if (pmf <= negligible) break;
    sum += pmf * given(m - 1);
  }
  return std::min(sum, 1.0);
}

}  // namespace

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

double binomial_upper(std::int64_t k, std::int64_t n, double delta) {
  if (k >= n) return 1;
  return last_true(static_cast<double>(k) / static_cast<double>(n), 1,
                   [&](double p) { return binomial_cdf(k, n, p) > delta; });
}

double paired_p_value(std::int64_t worse, std::int64_t better, std::int64_t n, double epsilon, double gamma) {
  const double rate = binomial_upper(worse + better, n, gamma);
  if (rate < epsilon) return gamma;  // no rate in the bound has so large a difference
  const std::int64_t s = worse - better;
  const double mode = std::floor(static_cast<double>(n - 1) * epsilon - 1e-9);
  if (rate > 0.5 || static_cast<double>(s + 1) > std::max(mode, epsilon > 0 ? mode : 0.0)) return 1;
  return std::min(1.0, gamma + sum_cdf(s, n, epsilon, rate));
}

double paired_upper(std::int64_t worse, std::int64_t better, std::int64_t n, double delta, double gamma) {
  const auto rejected = [&](double epsilon) { return paired_p_value(worse, better, n, epsilon, gamma) <= delta; };
  if (rejected(0)) return 0;
  return last_true(0, 1, [&](double epsilon) { return !rejected(epsilon); });
}

}  // namespace sidenet
