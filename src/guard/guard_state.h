#pragma once

#include <string>
#include <string_view>

#include "sidenet/shared_guard.h"

namespace sidenet {

/// As JSON. read_guard_state() gives the same to the bit, infinite numbers too.
std::string guard_state_text(const GuardState& state);

/// `own`: of a guard as this process would begin it. Throws Error, "FILE: FIELD: expected …, got …;
/// what to do", for a text that guard_state_text() has not written, and for the state of another
/// model, limit, delta, action, confidence or thresholds. Without `compared` any checksum will do
/// (for fuzzing).
GuardState read_guard_state(std::string_view text, const std::string& file, const GuardState& own,
                            bool compared = true);

}  // namespace sidenet
