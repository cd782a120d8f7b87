#pragma once

#include <cstdint>

namespace sidenet {

// Exact tests for independent rows. Counts are not negative and not above the number of rows.

/// P(X = k) for X of Binomial(n, p), 0 <= k <= n, 0 < p < 1.
double binomial_pmf(std::int64_t k, std::int64_t n, double p);

/// P(X <= k) for X of Binomial(n, p). 0 where k < 0, 1 where k >= n.
double binomial_cdf(std::int64_t k, std::int64_t n, double p);

/// z with P(Z > z) = p for a standard normal Z; p is kept within 1e-300 … 1 - 1e-16.
double normal_score(double p);

/// Upper confidence bound on a rate of which k of n rows were seen: the largest p with P(X <= k) >
/// delta (Clopper and Pearson, Biometrika 26, 1934, one side). 1 where k >= n.
double binomial_upper(std::int64_t k, std::int64_t n, double delta);

}  // namespace sidenet
