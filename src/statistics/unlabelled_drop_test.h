#pragma once

#include <cstdint>

namespace sidenet {

/// What rows with labels show of the drop, and these and others of how often answers change.
/// Changed: answered with another class than MainNet's; only such rows can be worse or better.
struct ChangedCounts {
  std::int64_t worse = 0, better = 0, changed = 0;  ///< of the rows with labels
  std::int64_t all_changed = 0, all = 0;            ///< of all rows, those with labels too
};

/// Exact test of H0: drop >= epsilon that takes the rate D of changed answers from rows without
/// labels too. Only changed answers can be worse or better, so that H0 says that D is epsilon or
/// more. For each such D there are three p-values:
///
///     p0 = DropTest(labelled, epsilon)                 of all rows with labels
///     p1 = P(Binomial(all, D) <= all_changed)          small where D is larger than what is seen
///     p2 = DropTest(changed, epsilon / D)              of the changed rows with labels alone:
///                                                      the drop is D times theirs
///
/// p2 holds given p1, as it holds given both numbers of changed rows; so their weighted normal
/// scores,
///     Z = (w1 Z(p1) + w2 Z(p2)) / sqrt(w1^2 + w2^2),   Z(p) = -Phi^-1(p),
/// make a p-value again (Stouffer; weights may depend on D, not on what is seen). With weights in
/// proportion to the two parts' standard errors, w1^2 : w2^2 = (epsilon / D)^2 / all : (0.9 -
/// (epsilon / D)^2) / labelled, Z hardly depends on D, and the drop's variance loses the part that
/// comes from how many rows change. That part is worth something where D is not much more than
/// epsilon, delta is small, and many rows have no labels: there Z counts, else p0. Which, depends
/// on D, epsilon, delta and the numbers of rows alone.
///
/// p is gamma and the largest over D in its Clopper-Pearson interval at level gamma (Berger and
/// Boos); where that ends below epsilon nothing is left to test. No D is left out: on [a, b] p1 is
/// taken at a and p2 at b, which are p-values for all of it.
///
/// labelled: rows with labels. epsilon in [0, 1), delta in (0, 0.5].
double unlabelled_drop_p_value(const ChangedCounts& counts, std::int64_t labelled, double epsilon,
                               double delta);

}  // namespace sidenet
