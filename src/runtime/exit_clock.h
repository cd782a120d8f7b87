#pragma once

#include <chrono>
#include <cstddef>
#include <utility>
#include <vector>

#include "run_request.h"

namespace sidenet {

/// Adds what passes between its calls to ExitSeconds, where that has places.
class ExitClock {
 public:
  explicit ExitClock(ExitSeconds& seconds) : seconds_(seconds), running_(!seconds.head.empty()) {}
  void start() {
    if (running_) mark_ = Clock::now();
  }
  void end_segment(int exit) { add(seconds_.segment, exit); }
  void end_head(int exit) { add(seconds_.head, exit); }

 private:
  using Clock = std::chrono::steady_clock;

  void add(std::vector<double>& to, int exit) {
    if (!running_) return;
    const Clock::time_point before = std::exchange(mark_, Clock::now());
    to[static_cast<std::size_t>(exit)] += std::chrono::duration<double>(mark_ - before).count();
  }

  ExitSeconds& seconds_;
  bool running_;
  Clock::time_point mark_;
};

}  // namespace sidenet
