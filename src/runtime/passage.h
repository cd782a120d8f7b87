#pragma once

#include <cstddef>
#include <span>

#include "exit_clock.h"
#include "lane.h"
#include "plan.h"
#include "row_source.h"
#include "run_request.h"
#include "team.h"

namespace sidenet {

/// How one thread takes rows of a request through the network, step by step: at an exit those that
/// it answers leave, and the others go on, or wait there where that is worth a copy of their
/// values.
class Passage {
 public:
  /// team: the threads that share the work of a kernel, or that each run rows of their own.
  Passage(const Plan& plan, const MicroBatch& most, Team& team, Lane& lane,
          const RunRequest& request);

  /// Rows first … last - 1, with `threads` threads inside each kernel.
  void run(int first, int last, int threads);
  /// The rows that `source` gives, on one thread. Those that wait go on when no more come to join
  /// them. apart: in a region of the team's whose threads work apart; the last one is helped by the
  /// others.
  void run_all(RowSource& source, bool apart);

 private:
  void load(int first, int rows);
  /// The rows under way, from a step on.
  void go_on(std::size_t index);
  /// Skips exits that are shut. False: no step or no row is left.
  bool has_more(std::size_t& index) const;
  bool is_for_team(std::size_t index) const;
  void run_step(std::size_t index);
  /// Weights of the exit right behind the step, if it is one that will be computed and is ready.
  std::span<const std::byte> coming_exit(std::size_t index) const;
  bool is_open(const Step& step) const {
    return request_.rules.exits[static_cast<std::size_t>(step.exit)].open;
  }
  /// True: all rows under way wait behind the step.
  bool wait_here(const Step& step);
  bool is_worth_waiting(const Step& step) const;

  const Plan& plan_;
  const MicroBatch most_;
  Team& team_;
  Workspace& workspace_;
  WaitingByExit& waiting_;
  Tally& tally_;
  const RunRequest request_;
  ExitClock clock_;
  int threads_ = 1;
  const RowSource* source_ = nullptr;  // more rows of this thread's, to wait for
  bool apart_ = false;
};

}  // namespace sidenet
