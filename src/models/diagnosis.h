#pragma once

#include <string>

#include "weights.h"

namespace sidenet::models {

/// What a checkpoint is that cannot be read, by names that only such have, and what to do:
/// ": 'NAME': MEANING", the end of a message. Empty where nothing tells.
std::string diagnose(const Weights& weights);

}  // namespace sidenet::models
