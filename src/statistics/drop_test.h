#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace sidenet {

/// Exact test that accuracy drops by less than epsilon, from n independent rows: `worse` of them
/// MainNet alone has right, `better` of them the exits alone. Their probabilities are P and M; the
/// hypothesis tested is H0: P - M >= epsilon.
///
/// The statistic z is the signed root of the likelihood ratio, made exact over the rate r = P + M
/// that H0 leaves open (exact unconditional tests of paired proportions: Lloyd and Moldovan, Stat.
/// Med. 27, 2008; intervals of the nuisance rate: Berger and Boos, J. Am. Stat. Assoc. 89, 1994).
/// With C the Clopper-Pearson interval of r at level gamma,
///
///     p = gamma + max over r in C of P(z <= z seen | P - M = epsilon, P + M = r).
///
/// S = worse - better, others = n - worse - better. The likeliest P and M with P - M = epsilon are
/// q + epsilon and q (Tango, Stat. Med. 17, 1998), from which
///
///     2 n q^2 + [(2 n - S) epsilon - worse - better] q - better epsilon (1 - epsilon) = 0,
///     q >= 0,
///     d = (S / n - epsilon) / (2 q + epsilon - epsilon^2),
///     z = sign(d) sqrt(2 [worse log(1 + d (1 - epsilon)) + better log(1 - d (1 + epsilon))
///                         + others log(1 - d epsilon)]).
///
/// The three logarithms are those of seen over likeliest counts: the derivative by P says that
/// worse / (n P) - C = C - better / (n M) = d with C = others / (n (1 - P - M)), and that counts
/// add up to n, C = 1 - d epsilon.
///
/// The maximum is bounded, not sampled. Where d < 0, worse / (n P) < C < better / (n M), and the
/// other way round where d > 0. By the envelope theorem z^2 / 2 changes with worse by the logarithm
/// of the first ratio over C, with better by that of the last over C. So z grows with worse and
/// falls with better; R = {z <= z seen} is gained by fewer worse or more better rows, and its
/// probability falls with P and grows with M, each alone (couple the rows). Hence for r in [a, b]
/// it is at most what it is at P = (a + epsilon) / 2, M = (b - epsilon) / 2; and at most what it is
/// at P - M = epsilon where P - M is larger. Intervals are halved until these bounds are near
/// enough.
class DropTest {
 public:
  /// How near its maximum p is wanted: it is never less.
  enum class Precision {
    at_delta,   ///< enough to tell on which side of delta it is, and 1/2000 of it there
    everywhere  ///< 1/200 of it, whatever it is
  };
  /// rows >= 0, epsilon in [0, 1], delta in (0, 0.5]: the level at which it is used. gamma is delta
  /// / 1000.
  DropTest(std::int64_t rows, double epsilon, double delta,
           Precision precision = Precision::at_delta);

  double p_value(std::int64_t worse, std::int64_t better) const;
  bool passes(std::int64_t worse, std::int64_t better) const {
    return p_value(worse, better) <= delta_;
  }

 private:
  class Region;
  double bound(const Region& region, double low, double high) const;

  std::int64_t rows_;
  double epsilon_, delta_, gamma_;
  Precision precision_;
};

/// The largest epsilon in [0, most] that a test keeps, a little above; `most` passes it.
double largest_kept(double most, const std::function<bool(double)>& passes);

/// z above: about standard normal where P - M = epsilon and rows are many. rows > 0.
double drop_statistic(double worse, double better, double rows, double epsilon);

}  // namespace sidenet
