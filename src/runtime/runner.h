#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "confidence_map.h"
#include "plan.h"
#include "sidenet/exit_policy.h"
#include "sidenet/text.h"
#include "team.h"
#include "thread_choice.h"
#include "waiting_rows.h"

namespace sidenet {

/// What one exit does in one request.
struct ExitRule {
  bool open = false;     ///< a shut exit is not computed
  double threshold = 2;  ///< a row leaves where confidence >= threshold
  double temperature = 1;
  const ConfidenceMap* map =
      nullptr;  ///< of the largest probability; null: as it is. Outlives the request
};

/// A request's rules, resolved: one ExitRule for each exit of the plan, the last for "final".
struct RunRules {
  std::vector<ExitRule> exits;
  int stop = 0;              ///< every row that gets here leaves here
  bool collect_all = false;  ///< nobody leaves early, and every open exit's output is kept
  Confidence confidence = Confidence::max_probability;
  /// For each row of the batch whether it goes on to `stop` although an exit has answered it;
  /// empty: none does.
  std::vector<char> audited;
};

/// The rows to run: images or texts.
struct RunInputs {
  int rows = 0;
  const float* images = nullptr;     ///< (rows, C, H, W)
  const TokenRows* texts = nullptr;  ///< ids, positions and types within the tables
};

/// Wall time by exit: that of MainNet's nodes since the exit before, and that of the exit. Of
/// threads that work side by side on rows of their own, the mean.
struct ExitSeconds {
  std::vector<double> segment, head;
};

/// Where rows' answers go, for rows of the whole batch. A row is written by one thread only.
struct RunResults {
  std::vector<int> exit;
  std::vector<float>
      confidence;           ///< NaN: the logits of that exit are not numbers, the row has no answer
  float* logits = nullptr;  ///< (rows, classes)
  std::vector<float*> all;  ///< collect_all: for each exit (rows, width)
  /// Of each audited row its class at `stop`, -1 of others, and where its logits there are not
  /// numbers; empty where none is.
  std::vector<int> audit;
  std::int64_t multiply_adds = 0;
  ExitSeconds* seconds = nullptr;  ///< where set, times are added
};

/// Of a workspace's arena.
std::uint64_t arena_bytes(const Plan& plan, const Capacity& capacity);

/// Buffers of one thread: an arena for a micro-batch, and scratch.
class Workspace {
 public:
  /// Makes room; what the arena held is lost where it grows.
  void reserve(const Plan& plan, const Capacity& capacity);
  /// Has the plan's part prepared, and makes room for its scratch; the arena stays.
  void enter(const Plan& plan, std::size_t part);
  bool has_entered(std::size_t part) const { return entered_[part] != 0; }
  float* at(const Slot& slot) const { return arena_ + slot.offset * entries_; }
  std::byte* scratch() const { return scratch_; }
  /// The rows still under way.
  RowBatch batch() const;
  std::int64_t cost(const Cost& cost) const;
  void start(int first, int rows);
  void start_texts(const TokenRows& texts, int first, int rows);
  /// One row more, or none at all; its values are the caller's business. length: of a text.
  void add_row(int id, std::int64_t length);
  void drop_rows();
  /// Whether rows wait behind an exit before this one.
  bool rows_wait_before(std::size_t exit) {
    while (first_waiting < exit && waiting[first_waiting].empty()) ++first_waiting;
    return first_waiting < exit;
  }

  std::vector<int> row_ids;           ///< of the rows still under way
  std::vector<std::int64_t> offsets;  ///< texts: where their tokens start, and the end
  std::vector<char> leaves;           ///< at the exit being closed: which of them go
  std::int64_t token_pairs = 0;       ///< texts: sum of the squared lengths
  std::int64_t multiply_adds = 0;
  std::size_t last_step = 0;                    ///< that was run
  std::vector<double>* step_seconds = nullptr;  ///< where set, time is added for each step
  ExitSeconds seconds;               ///< where it has places, time is added for each exit
  std::vector<WaitingRows> waiting;  ///< behind each exit
  std::size_t first_waiting = 0;     ///< behind no exit before this one

 private:
  std::shared_ptr<std::byte> arena_memory_, scratch_memory_;
  float* arena_ = nullptr;
  std::byte* scratch_ = nullptr;
  std::size_t scratch_bytes_ = 0, entries_ = 0;
  Capacity capacity_{0, 0, 0};
  std::vector<char> entered_;  // of each part: at this capacity
};

/// Confidence of a row's logits after `temperature`, NaN where one of them is NaN or the largest is
/// infinite. Equations: see sidenet::Confidence.
float confidence_of(const float* logits, int classes, double temperature, Confidence kind);

/// Runs rows on plan.threads() threads. Each thread takes micro-batches of rows through the
/// network, segment by segment (exit to exit); at an exit the rows that pass leave, and the others
/// close up and go on, or wait there for rows of the next micro-batches where that is worth a copy
/// of their values. Threads that have no more rows help the last one. Rows that do not fill all
/// threads are computed one micro-batch at a time, with all threads inside each kernel, or one
/// where other programs leave them no time (ThreadChoice). Texts are packed: no row is padded to
/// another's length, and a row that leaves takes its tokens with it.
class Runner {
 public:
  /// micro_batch (rows) 0: the plan's choice.
  Runner(std::shared_ptr<const Plan> plan, int micro_batch);
  const Plan& plan() const { return *plan_; }
  void run(const RunInputs& inputs, const RunRules& rules, RunResults& results);
  /// As run(), all rows in one micro-batch after the other; adds each step's seconds to
  /// `step_seconds`.
  void run_timed(const RunInputs& inputs, const RunRules& rules, RunResults& results,
                 std::vector<double>& step_seconds);

 private:
  /// Rows of a micro-batch, or tokens.
  int most_entries() const { return plan_->is_text() ? micro_batch_cap_ : micro_batch_; }
  int chunk_end(const RunInputs& inputs, int first, int end, std::int64_t work) const;
  int rows_for_own_threads(const RunInputs& inputs) const;
  void take_seconds(double threads, RunResults& results);
  void run_shared(const RunInputs& inputs, int rows, const RunRules& rules, RunResults& results);
  void run_rest(const RunInputs& inputs, int first, const RunRules& rules, RunResults& results);
  void run_chosen(const RunInputs& inputs, int first, int rows, const RunRules& rules,
                  RunResults& results);
  void load(Workspace& workspace, const RunInputs& inputs, int first, int rows);
  class ExitClock;
  class Source;
  void run_all(Workspace& workspace, const RunInputs& inputs, Source& source, const RunRules& rules,
               RunResults& results, Team* apart);
  void run_chunk(Workspace& workspace, const RunInputs& inputs, int first, int rows,
                 const RunRules& rules, RunResults& results, int threads);
  /// The rows under way, from a step on. source: where more of this thread's come from, to wait
  /// for; apart: of the threads that each run rows of their own.
  void go_on(Workspace& workspace, std::size_t index, const RunRules& rules, RunResults& results,
             int threads, ExitClock& clock, const Source* source = nullptr, Team* apart = nullptr);
  /// coming: whether this thread will take more rows. True: all rows of the workspace wait behind
  /// the step.
  bool wait_here(Workspace& workspace, const Step& step, bool coming) const;
  void run_step(Workspace& workspace, std::size_t index, const RunRules& rules, RunResults& results,
                int threads, ExitClock& clock);
  std::span<const std::byte> coming_exit(const Workspace& workspace, std::size_t index,
                                         const RunRules& rules) const;
  void close_exit(Workspace& workspace, const Step& step, const RunRules& rules,
                  RunResults& results);
  void compact(Workspace& workspace, const Step& step) const;

  std::shared_ptr<const Plan> plan_;
  int micro_batch_;                    // rows
  int micro_batch_cap_;                // texts: tokens
  ThreadChoice choice_;                // for work that threads share
  bool warm_ = false;                  // they have shared some
  std::vector<Workspace> workspaces_;  // one a thread
  Team team_;                          // for work that threads share
};

}  // namespace sidenet
