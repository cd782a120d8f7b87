#pragma once

// Library: libsidenet (pkg-config sidenet, CMake sidenet::sidenet).

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sidenet/drift_guard.h"
#include "sidenet/enum_names.h"
#include "sidenet/exit_policy.h"
#include "sidenet/export.h"

namespace sidenet {

/// What comes of an alarm.
enum class GuardAction {
  warn,  ///< it is told
  raise  ///< thresholds are raised too, and a round begins
};
template <>
inline constexpr EnumName<GuardAction> kEnumNames<GuardAction>[] = {{GuardAction::warn, "warn"},
                                                                    {GuardAction::raise, "raise"}};

/// A drift guard and the rows that it was told of, as a file keeps them for other processes.
struct GuardState {
  // With the guard's limit and delta: whose state it is.
  std::string model = {};  ///< Model::digest()
  GuardAction action = GuardAction::warn;
  Confidence confidence = Confidence::max_probability;
  std::map<std::string, double> given = {};  ///< thresholds at the start, by exit

  DriftGuard guard;
  std::map<std::string, double> thresholds = {};  ///< in force: `given`, or as raised
  std::int64_t rows = 0, audited = 0;             ///< of all processes
  std::int64_t alarms = 0, alarm_row = 0;         ///< the last alarm's row, from 1; 0: none
};

/// A drift guard that lives in memory, or in a file that several processes share.
///
/// The file's guard takes every audited row once, in the order in which processes bring them: one
/// sequence, whose evidence keeps delta for all processes together. When rows are brought must
/// therefore not hang on what they say. If they came at once where they look like drift, differing
/// rows would stand first in the sequence, and many processes would alarm more often than delta
/// allows. So the clock says when, and an alarm is that much later.
class SIDENET_API SharedGuard {
 public:
  struct Alarm {
    std::int64_t row;  ///< among all rows, from 1
    bool own;          ///< found with rows of this process; else there are no counts
    DriftGuard::Counts recent;
    DriftGuard::Rate rate;
    std::map<std::string, double> thresholds;  ///< after it
  };

  /// begin: where nothing has been seen yet. file: is read, or made; "" for memory alone. Throws
  /// Error where it cannot be read, written or locked, and for another guard's state.
  explicit SharedGuard(GuardState begin, std::string file = "");

  /// The next row that an exit has answered, by the thresholds of state().
  void add_row() { ++pending_.rows; }
  /// The same, audited.
  void add_audited(bool differs);

  /// When rows are to be merged: in so many milliseconds, 0 at once. None where there are none.
  std::optional<std::chrono::milliseconds> due_in() const;
  /// Whether to merge before a batch, with rows or without: another process may have raised the
  /// thresholds.
  bool is_stale() const;
  bool has_pending() const { return pending_.rows > 0; }
  /// Brings the rows to the file and takes in what other processes have brought; in memory the rows
  /// are taken in. Alarms since the last time come back, in order. Throws Error; then the rows wait
  /// for another try.
  std::vector<Alarm> merge();

  /// As of the last merge().
  const GuardState& state() const { return state_; }
  bool raises() const { return begin_.action == GuardAction::raise; }
  /// Of this process, merged or not.
  std::int64_t rows() const { return rows_ + pending_.rows; }
  std::int64_t audited() const {
    return audited_ + static_cast<std::int64_t>(pending_.audited.size());
  }

 private:
  using Clock = std::chrono::steady_clock;
  struct Audited {
    std::int64_t row;  ///< among the pending ones, from 1
    bool differs;
  };
  struct Pending {
    std::int64_t rows = 0;
    std::vector<Audited> audited;
  };
  void take_in(GuardState& state, bool same_thresholds, std::vector<Alarm>& alarms) const;
  void merge_file(std::vector<Alarm>& alarms);

  GuardState begin_, state_;
  std::string file_;
  Pending pending_;
  std::int64_t rows_ = 0, audited_ = 0;  // merged
  Clock::time_point looked_, merged_;
  Clock::duration interval_;
};

}  // namespace sidenet
