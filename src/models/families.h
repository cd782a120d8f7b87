#pragma once

#include <span>

#include "family.h"

namespace sidenet::models {

/// All that are known, in the order in which a checkpoint is shown to them.
std::span<const Family* const> families();

/// Throws Error: the weights are of none of them; the message says what was looked for, and `told`,
/// which is known from elsewhere.
[[noreturn]] void refuse_unknown(const Weights& weights, const std::string& told = "");

}  // namespace sidenet::models
