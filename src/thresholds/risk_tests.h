#pragma once

#include <cstdint>

#include "risk_control.h"
#include "risk_counts.h"

namespace sidenet {

/// The p-value of one candidate, and its bounds at delta, from counts. unlabelled: counts of rows
/// without labels; rows 0: none.
double risk_p_value(const RiskCounts& counts, const RiskCounts& unlabelled,
                    const CertifyOptions& options);
/// Needs a candidate that passes.
double risk_upper_bound(const RiskCounts& counts, const RiskCounts& unlabelled,
                        const CertifyOptions& options);

}  // namespace sidenet
