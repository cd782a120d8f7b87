#include "risk_tests.h"

#include <algorithm>

#include "drop_test.h"
#include "p_values.h"
#include "unlabelled_drop_test.h"

namespace sidenet {
namespace {

double drop_p_value(const RiskCounts& counts, const RiskCounts& unlabelled, double epsilon,
                    double delta) {
  if (unlabelled.rows == 0)
    return DropTest(counts.rows, epsilon, delta).p_value(counts.worse, counts.better);
  return unlabelled_drop_p_value({counts.worse, counts.better, counts.differ,
                                  counts.differ + unlabelled.differ, counts.rows + unlabelled.rows},
                                 counts.rows, epsilon, delta);
}

/// The largest of the open exits' values, each of (wrong, answered).
template <typename Value>
double largest_of_open(const RiskCounts& counts, const Value& value) {
  double largest = 0;
  for (const RiskCounts::Exit& exit : counts.exits) {
    if (exit.open) largest = std::max(largest, value(exit.wrong, exit.answered));
  }
  return largest;
}

}  // namespace

double risk_p_value(const RiskCounts& counts, const RiskCounts& unlabelled,
                    const CertifyOptions& options) {
  switch (options.risk) {
    case Risk::drop: return drop_p_value(counts, unlabelled, options.epsilon, options.delta);
    case Risk::disagreement:
      return binomial_cdf(counts.differ + unlabelled.differ, counts.rows + unlabelled.rows,
                          options.epsilon);
    case Risk::exit_error: break;
  }
  return largest_of_open(counts, [&](std::int64_t wrong, std::int64_t answered) {
    return binomial_cdf(wrong, answered, options.epsilon);
  });
}

double risk_upper_bound(const RiskCounts& counts, const RiskCounts& unlabelled,
                        const CertifyOptions& options) {
  switch (options.risk) {
    case Risk::drop:
      return largest_kept(options.epsilon, [&](double epsilon) {
        return drop_p_value(counts, unlabelled, epsilon, options.delta) <= options.delta;
      });
    case Risk::disagreement:
      return binomial_upper(counts.differ + unlabelled.differ, counts.rows + unlabelled.rows,
                            options.delta);
    case Risk::exit_error: break;
  }
  return largest_of_open(counts, [&](std::int64_t wrong, std::int64_t answered) {
    return binomial_upper(wrong, answered, options.delta);
  });
}

}  // namespace sidenet
