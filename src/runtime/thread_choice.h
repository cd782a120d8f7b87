#pragma once

#include <algorithm>
#include <cstdint>

namespace sidenet {

/// Whether work that all threads share is still quicker so than on one thread. Where other programs want the cores, threads
/// that meet after every layer wait for each other's time slices, and one alone may be ten times as fast; the result is the
/// same to the bit either way. All threads are the rule: one is tried at the 8th run, ever more seldom after it, and where
/// all take twice as long as they once did; all are tried again now and then.
class ThreadChoice {
 public:
  bool all() const { return all_; }
  /// After a run that all() was asked for. work: anything that time is proportional to, above 0.
  void record(double seconds, double work) {
    const double cost = seconds / work;
    if (all_) {
      all_cost_ = all_cost_ > 0 ? 0.7 * all_cost_ + 0.3 * cost : cost;
      best_ = best_ > 0 ? std::min(best_, cost) : cost;
      if (trying_all_ && cost < one_cost_) trying_all_ = false, wait_ = kFirstWait;
      const bool suspicious = all_cost_ > kSuspicious * best_ && ++slow_ >= kSlowRuns;
      if (all_cost_ <= kSuspicious * best_) slow_ = 0;
      const bool due = ++all_runs_ == next_trial_;
      if (due) next_trial_ *= 8;
      if (trying_all_ || suspicious || due) to_one();
      return;
    }
    one_cost_ = one_cost_ > 0 && runs_ > 0 ? 0.7 * one_cost_ + 0.3 * cost : cost;
    // The first run alone tells whether it was worth it.
    if (++runs_ == 1 && one_cost_ >= all_cost_) return to_all(false);
    if (runs_ >= wait_) to_all(true);
  }

 private:
  static constexpr double kSuspicious = 2;
  static constexpr int kSlowRuns = 3, kFirstWait = 32, kLongestWait = 1024;

  void to_one() {
    if (trying_all_) wait_ = std::min(2 * wait_, kLongestWait);
    all_ = trying_all_ = false;
    runs_ = slow_ = 0;
  }
  void to_all(bool trying) {
    all_ = true;
    trying_all_ = trying;
    slow_ = trying ? 0 : -4 * kSlowRuns;  // slow as they are, they are the quicker: no other try for a while
    if (trying) all_cost_ = 0;
  }

  bool all_ = true, trying_all_ = false;
  double all_cost_ = 0, one_cost_ = 0, best_ = 0;
  int slow_ = 0, runs_ = 0, wait_ = kFirstWait;
  std::int64_t all_runs_ = 0, next_trial_ = 8;
};

}  // namespace sidenet
