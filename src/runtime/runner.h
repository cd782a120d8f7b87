#pragma once

#include <memory>
#include <vector>

#include "lane.h"
#include "plan.h"
#include "row_source.h"
#include "run_request.h"
#include "team.h"
#include "thread_choice.h"

namespace sidenet {

class Passage;

/// Runs rows on plan.threads() threads. Each thread takes micro-batches of rows through the
/// network (Passage), segment by segment (exit to exit); at an exit the rows that pass leave, and
/// the others close up and go on, or wait there for rows of the next micro-batches where that is
/// worth a copy of their values. Threads that have no more rows help the last one. Rows that do not
/// fill all threads are computed one micro-batch at a time, with all threads inside each kernel, or
/// one where other programs leave them no time (ThreadChoice). Texts are packed: no row is padded
/// to another's length, and a row that leaves takes its tokens with it.
class Runner {
 public:
  /// micro_batch (rows) 0: the plan's choice.
  Runner(std::shared_ptr<const Plan> plan, int micro_batch);
  const Plan& plan() const { return *plan_; }
  /// Not from two threads at once.
  void run(const RunRequest& request);

 private:
  int rows_for_own_threads(const RunInputs& inputs) const;
  void run_apart(int rows, const RunRequest& request);
  void run_rest(int first, const RunRequest& request);
  void run_chosen(Passage& passage, int first, int last);
  void take_seconds(double threads, RunResults& results);

  std::shared_ptr<const Plan> plan_;
  MicroBatch micro_batch_;
  ThreadChoice choice_;      // for work that threads share
  bool warm_ = false;        // they have shared some
  std::vector<Lane> lanes_;  // one a thread
  Team team_;                // for work that threads share
};

}  // namespace sidenet
