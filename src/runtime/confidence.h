#pragma once

#include "sidenet/exit_policy.h"

namespace sidenet {

/// Confidence of a row's logits after `temperature`, NaN where one of them is NaN or the largest is
/// infinite. Equations: see sidenet::Confidence.
float confidence_of(const float* logits, int classes, double temperature, Confidence kind);

}  // namespace sidenet
