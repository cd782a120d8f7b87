#pragma once

#include <cstdint>

namespace sidenet {

// Exact tests for independent rows. Counts are not negative and not above the number of rows.

/// P(X <= k) for X of Binomial(n, p). 0 where k < 0, 1 where k >= n.
double binomial_cdf(std::int64_t k, std::int64_t n, double p);

/// Upper confidence bound on a rate of which k of n rows were seen: the largest p with P(X <= k) > delta (Clopper and
/// Pearson, Biometrika 26, 1934, one side). 1 where k >= n.
double binomial_upper(std::int64_t k, std::int64_t n, double delta);

/// Test of P(+1) - P(-1) >= epsilon from `worse` rows of +1 and `better` rows of -1 among n (the others are 0), with
/// S = worse - better:
///
///     p = gamma + P(S <= s | P(+1) - P(-1) = epsilon, P(+1) + P(-1) = D),   D = binomial_upper(worse + better, n, gamma).
///
/// Valid because (Berger and Boos, J. Am. Stat. Assoc. 89, 1994) the rate of non-zero rows exceeds D with probability gamma
/// at most, and below D the tail is largest at D: its derivative by the rate is n / 2 [P(S' = s + 1) - P(S' = s)] for the
/// sum S' of n - 1 rows, which is a sum of Bernoulli variables (the rows' generating function has real roots while the rate
/// is at most 1/2), hence unimodal with its mode at floor((n - 1) epsilon) or above (Darroch, Ann. Math. Stat. 35, 1964).
/// Returns 1 where s or D is too large for that. epsilon in [0, 1), gamma in (0, 1).
double paired_p_value(std::int64_t worse, std::int64_t better, std::int64_t n, double epsilon, double gamma);

/// The smallest epsilon in [0, 1] with paired_p_value(…) <= delta: an upper confidence bound on P(+1) - P(-1). gamma <
/// delta.
double paired_upper(std::int64_t worse, std::int64_t better, std::int64_t n, double delta, double gamma);

}  // namespace sidenet
