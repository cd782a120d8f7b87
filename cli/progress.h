#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "sidenet/progress.h"

namespace sidenet::tools {

/// Shows Progress on stderr: a bar with rate and time left, redrawn in place, on a terminal;
/// elsewhere a plain line at the start and end of a stage and every ten seconds.
class ProgressBar {
 public:
  /// quiet: shows nothing. unit: what done and total count ("rows"); stages that train count
  /// epochs.
  ProgressBar(bool quiet, std::string unit);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void operator()(const Progress& progress);

 private:
  using Clock = std::chrono::steady_clock;
  void begin_stage(const Progress& progress);
  /// Leaves the stage's last state on its own line.
  void end_stage();
  void show(bool ended);
  std::string line(std::size_t columns, bool ended) const;

  bool quiet_, terminal_;
  std::string unit_;
  Progress latest_;
  bool started_ = false, end_shown_ = false;
  Clock::time_point stage_start_, last_shown_;
  std::int64_t first_done_ = 0;
};

}  // namespace sidenet::tools
