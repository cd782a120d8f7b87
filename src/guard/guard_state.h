#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "sidenet/drift_guard.h"

namespace sidenet {

/// A drift guard and the rows that it was told of, as a file keeps them for other processes.
struct GuardState {
  // With the guard's limit and delta: whose state it is.
  std::string model;       ///< Model::digest()
  std::string action;      ///< at an alarm: "warn" or "raise" (the thresholds, and begin a round)
  std::string confidence;  ///< how it is measured: "max", …
  std::map<std::string, double> given;  ///< thresholds at the start, by exit

  DriftGuard guard;
  std::map<std::string, double> thresholds;  ///< in force: `given`, or as raised
  std::int64_t rows = 0, audited = 0;        ///< of all processes
  std::int64_t alarms = 0, alarm_row = 0;    ///< the last alarm's row, from 1; 0: none
};

/// As JSON. read_guard_state() gives the same to the bit, infinite numbers too.
std::string guard_state_text(const GuardState& state);

/// `own`: of a guard as this process would begin it. Throws Error, "FILE: FIELD: expected …, got …;
/// what to do", for a text that guard_state_text() has not written, and for the state of another
/// model, limit, delta, action, confidence or thresholds. Without `compared` any checksum will do
/// (for fuzzing).
GuardState read_guard_state(std::string_view text, const std::string& file, const GuardState& own,
                            bool compared = true);

}  // namespace sidenet
