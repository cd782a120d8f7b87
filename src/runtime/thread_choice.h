#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace sidenet {

/// Whether work that all threads share is still quicker so than on one thread. Where other programs
/// want the cores, threads that meet after every layer wait for each other's time slices, and one
/// alone may be ten times as fast; the result is the same to the bit either way. All threads are
/// the rule: one is tried at the 8th run, ever more seldom after it, and where all take twice as
/// long as they once did; all are tried again now and then.
class ThreadChoice {
 public:
  bool all() const { return all_; }
  /// After a run that all() was asked for. work: what time is proportional to among runs of one
  /// kind (where a row left, say), above 0.
  void record(double seconds, double work, std::size_t kind) {
    if (kind >= best_.size()) best_.resize(kind + 1, 0);
    double& best = best_[kind];
    const double cost = seconds / work;
    if (all_ && (best == 0 || cost < best)) best = cost;
    if (best == 0) return;
    const double slowdown = cost / best;  // of all threads at their best
    all_ ? record_all(slowdown) : record_one(slowdown);
  }

 private:
  static constexpr double kSuspicious = 2, kBetter = 0.8;
  static constexpr int kSlowRuns = 3, kTrial = 3, kFirstWait = 32, kLongestWait = 1024;

  void record_all(double slowdown) {
    all_cost_ = all_cost_ > 0 ? 0.7 * all_cost_ + 0.3 * slowdown : slowdown;
    if (returning_) {
      if (++runs_ < kTrial) return;
      returning_ = false;
      if (all_cost_ * kBetter > one_cost_) {
        wait_ = std::min(2 * wait_, kLongestWait);
        return start_one();
      }
      wait_ = kFirstWait;
    }
    const bool due = ++all_runs_ == next_trial_;
    if (due) next_trial_ *= 8;
    slow_ = all_cost_ > kSuspicious ? slow_ + 1 : std::min(slow_, 0);
    if (due || slow_ >= kSlowRuns) start_one();
  }

  void record_one(double slowdown) {
    one_cost_ = runs_ == 0 ? slowdown : 0.7 * one_cost_ + 0.3 * slowdown;
    if (++runs_ == kTrial && one_cost_ > kBetter * all_cost_) {
      all_ = true;
      if (all_cost_ > kSuspicious)
        slow_ = -16 * kSlowRuns;  // slow as they are, they are the quicker: no try for a while
    } else if (runs_ >= wait_) {
      all_ = returning_ = true;
      runs_ = slow_ = 0;
      all_cost_ = 0;
    }
  }

  void start_one() {
    all_ = false;
    runs_ = slow_ = 0;
  }

  bool all_ = true, returning_ = false;
  std::vector<double> best_;            // by kind: seconds a unit of work
  double all_cost_ = 0, one_cost_ = 0;  // recent slowdowns
  int slow_ = 0, runs_ = 0, wait_ = kFirstWait;
  std::int64_t all_runs_ = 0, next_trial_ = 8;
};

}  // namespace sidenet
