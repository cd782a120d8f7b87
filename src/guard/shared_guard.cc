#include "sidenet/shared_guard.h"

#include <algorithm>

#include "atomic_file.h"
#include "guard_state.h"
#include "locked_file.h"
#include "sidenet/error.h"

namespace sidenet {
namespace {

constexpr std::chrono::milliseconds kLongestInterval{200};
constexpr int kMergeShare = 20;  // merging may take one part in so many of the time

[[noreturn]] void advise(const Error& error) {
  throw Error(std::string(error.what()) + "; give another file");
}

LockedFile open_state(const std::string& file) {
  try {
    return LockedFile(file);
  } catch (const Error& error) {
    advise(error);
  }
}

void check_folder(const std::string& file) {
  try {
    AtomicFile probe(file);  // makes its temporary file, and removes it
  } catch (const Error& error) {
    advise(error);
  }
}

}  // namespace

SharedGuard::SharedGuard(GuardState begin, std::string file)
    : begin_(std::move(begin)),
      state_(begin_),
      file_(std::move(file)),
      interval_(kLongestInterval) {
  merge();  // whose alarms somebody else has told
  if (!file_.empty()) check_folder(file_);
  merged_ = looked_;
}

void SharedGuard::add_audited(bool differs) {
  add_row();
  pending_.audited.push_back({pending_.rows, differs});
}

std::optional<std::chrono::milliseconds> SharedGuard::due_in() const {
  if (!has_pending()) return std::nullopt;
  const Clock::duration left =
      file_.empty() ? Clock::duration::zero() : merged_ + interval_ - Clock::now();
  return std::chrono::ceil<std::chrono::milliseconds>(std::max(left, Clock::duration::zero()));
}

bool SharedGuard::is_stale() const {
  return !file_.empty() && Clock::now() - looked_ >= kLongestInterval;
}

void SharedGuard::take_in(GuardState& state, bool same_thresholds,
                          std::vector<Alarm>& alarms) const {
  for (const auto& [row, differs] : pending_.audited) {
    ++state.audited;
    // Rows by thresholds that are no longer in force say nothing of those that are.
    if (!same_thresholds) continue;
    const bool alarmed = state.guard.alarm();
    state.guard.observe(true, !differs);
    if (alarmed || !state.guard.alarm()) continue;
    ++state.alarms;
    state.alarm_row = state.rows + row;
    Alarm& alarm = alarms.emplace_back(
        Alarm{state.alarm_row, true, state.guard.recent(), state.guard.rate(), state.thresholds});
    if (!raises()) continue;
    alarm.thresholds = state.thresholds = state.guard.raised(state.thresholds);
    state.guard.start_over();
    same_thresholds = false;
  }
  state.rows += pending_.rows;
}

void SharedGuard::merge_file(std::vector<Alarm>& alarms) {
  LockedFile file = open_state(file_);
  const bool is_new = file.text().empty();
  GuardState next = is_new ? begin_ : read_guard_state(file.text(), file_, begin_);
  if (next.alarms > state_.alarms)
    alarms.push_back({next.alarm_row, false, {}, {}, next.thresholds});
  // Who removes the file begins a first round again.
  const bool same_thresholds =
      next.guard.round() == state_.guard.round() && next.thresholds == state_.thresholds;
  take_in(next, same_thresholds, alarms);
  if (is_new || has_pending()) file.replace(guard_state_text(next));
  state_ = std::move(next);
}

std::vector<SharedGuard::Alarm> SharedGuard::merge() {
  std::vector<Alarm> alarms;
  looked_ = Clock::now();
  if (file_.empty()) {
    take_in(state_, true, alarms);
  } else {
    if (has_pending()) merged_ = looked_;  // whether it succeeds or not
    merge_file(alarms);
    if (has_pending()) {
      merged_ = Clock::now();
      interval_ = std::min<Clock::duration>(kLongestInterval, kMergeShare * (merged_ - looked_));
    }
  }
  rows_ += pending_.rows;
  audited_ += static_cast<std::int64_t>(pending_.audited.size());
  pending_ = {};
  return alarms;
}

}  // namespace sidenet
