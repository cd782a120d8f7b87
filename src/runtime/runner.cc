#include "runner.h"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <exception>
#include <limits>
#include <utility>

#include "checked.h"
#include "machine_memory.h"
#include "threads.h"

namespace sidenet {
namespace {

using Clock = std::chrono::steady_clock;

// A text's words, positions and types, as the graph's input has them.
void load_tokens(const TokenRows& texts, std::int64_t begin, std::int64_t end, float* to) {
  for (auto token = static_cast<std::size_t>(begin); token < static_cast<std::size_t>(end);
       ++token, to += 3) {
    to[0] = static_cast<float>(texts.ids[token]);
    to[1] = static_cast<float>(texts.positions[token]);
    to[2] = static_cast<float>(texts.types[token]);
  }
}

// (C, H, W) of the caller to the channels-last form of the engine.
void load_row(const Shape& shape, const float* from, float* to) {
  if (shape.size() != 3) {
    std::memcpy(to, from, sizeof(float) * static_cast<std::size_t>(element_count(shape)));
    return;
  }
  const std::int64_t channels = shape[0], pixels = shape[1] * shape[2];
  for (std::int64_t c = 0; c < channels; ++c) {
    for (std::int64_t p = 0; p < pixels; ++p) to[p * channels + c] = from[c * pixels + p];
  }
}

}  // namespace

/// Adds what passes between its calls to ExitSeconds, where that has places.
class Runner::ExitClock {
 public:
  explicit ExitClock(ExitSeconds& seconds)
      : seconds_(seconds),
        running_(!seconds.head.empty()),
        mark_(running_ ? Clock::now() : Clock::time_point()) {}
  void end_segment(int exit) { add(seconds_.segment, exit); }
  void end_head(int exit) { add(seconds_.head, exit); }

 private:
  void add(std::vector<double>& to, int exit) {
    if (!running_) return;
    const Clock::time_point before = std::exchange(mark_, Clock::now());
    to[static_cast<std::size_t>(exit)] += std::chrono::duration<double>(mark_ - before).count();
  }

  ExitSeconds& seconds_;
  bool running_;
  Clock::time_point mark_;
};

/// Rows that threads take from, a bite each.
class Runner::Source {
 public:
  Source(const Runner& runner, const RunInputs& inputs, int first, int end, int threads)
      : runner_(runner),
        inputs_(inputs),
        next_(first),
        end_(end),
        shares_(threads > 1 && !inputs.texts ? 2 * threads : threads) {}
  bool has_more() const { return next_.load(std::memory_order_relaxed) < end_; }
  /// Rows first … last - 1, or false. Smaller bites towards the end, so that all threads finish
  /// together; of texts larger ones, since each reads all weights (3 % of MainNet's time on SST-2,
  /// 32 at a time).
  bool take(int& first, int& last) {
    for (first = next_.load(); first < end_;) {
      last = runner_.chunk_end(inputs_, first, end_, work_left(first) / shares_);
      if (next_.compare_exchange_weak(first, last)) return true;
    }
    return false;
  }

 private:
  std::int64_t work_left(int first) const {
    if (!inputs_.texts) return end_ - first;
    const auto& offsets = inputs_.texts->offsets;
    return offsets[static_cast<std::size_t>(end_)] - offsets[static_cast<std::size_t>(first)];
  }

  const Runner& runner_;
  const RunInputs& inputs_;
  std::atomic<int> next_;
  const int end_, shares_;
};

Runner::Runner(std::shared_ptr<const Plan> plan, int micro_batch)
    : plan_(std::move(plan)),
      micro_batch_(micro_batch > 0 ? micro_batch : plan_->micro_batch()),
      micro_batch_cap_(plan_->micro_batch()),
      workspaces_(static_cast<std::size_t>(plan_->threads())),
      team_(plan_->threads()) {}

// The end of the micro-batch that starts at row `first`: about `work` rows (texts: tokens), at
// least one row.
int Runner::chunk_end(const RunInputs& inputs, int first, int end, std::int64_t work) const {
  const int last = std::min(end, first + micro_batch_);
  if (!inputs.texts)
    return std::clamp<int>(first + static_cast<int>(std::min<std::int64_t>(work, micro_batch_)),
                           first + 1, last);
  const auto& offsets = inputs.texts->offsets;
  const std::int64_t limit =
      offsets[static_cast<std::size_t>(first)] + std::min<std::int64_t>(work, micro_batch_cap_);
  const auto found =
      std::upper_bound(offsets.begin() + first + 1, offsets.begin() + last + 1, limit);
  return std::max(first + 1, static_cast<int>(found - offsets.begin()) - 1);
}

// How many of the rows keep every thread busy with rows of its own.
int Runner::rows_for_own_threads(const RunInputs& inputs) const {
  const int threads = plan_->threads();
  if (threads == 1) return 0;
  const auto fits = [&](const Capacity& one) {
    return fits_memory(
        checked_mul(arena_bytes(*plan_, one), static_cast<std::uint64_t>(threads), "activations"));
  };
  if (!inputs.texts) return fits({micro_batch_, 0, threads}) ? inputs.rows / threads * threads : 0;
  std::int64_t longest = 0;
  for (int row = 0; row < inputs.rows; ++row)
    longest = std::max(longest, inputs.texts->length(row));
  const int room = std::max(static_cast<int>(longest), micro_batch_cap_);
  if (!fits({room, room, threads})) return 0;
  // With a thread's last row as long as that, the others wait at most a quarter of the whole time
  // for it.
  return inputs.texts->tokens() >= 4 * threads * longest ? inputs.rows : 0;
}

void Runner::run(const RunInputs& inputs, const RunRules& rules, RunResults& results) {
  if (!rules.audited.empty()) {
    results.exit.assign(static_cast<std::size_t>(inputs.rows), -1);
    results.audit.assign(static_cast<std::size_t>(inputs.rows), -1);
  }
  const ThreadSetting setting(plan_->threads());
  for (Workspace& workspace : workspaces_) {
    workspace.multiply_adds = 0;
    const std::size_t exits = results.seconds ? plan_->exits().size() : 0;
    workspace.seconds = {std::vector<double>(exits), std::vector<double>(exits)};
  }
  const int shared = rows_for_own_threads(inputs);
  if (shared > 0) {
    run_shared(inputs, shared, rules, results);
    take_seconds(plan_->threads(), results);
  }
  run_rest(inputs, shared, rules, results);
  take_seconds(1, results);
  for (const Workspace& workspace : workspaces_)
    results.multiply_adds = saturating_add(results.multiply_adds, workspace.multiply_adds);
}

void Runner::take_seconds(double threads, RunResults& results) {
  if (!results.seconds) return;
  const auto take = [threads](std::vector<double>& from, std::vector<double>& to) {
    to.resize(from.size());
    for (std::size_t i = 0; i < from.size(); ++i) to[i] += std::exchange(from[i], 0.0) / threads;
  };
  for (Workspace& workspace : workspaces_) {
    take(workspace.seconds.segment, results.seconds->segment);
    take(workspace.seconds.head, results.seconds->head);
  }
}

// Rows 0 … rows - 1, a thread each micro-batch.
void Runner::run_shared(const RunInputs& inputs, int rows, const RunRules& rules,
                        RunResults& results) {
  const int threads = plan_->threads();
  Source source(*this, inputs, 0, rows, threads);
  std::exception_ptr failure;
  team_.start_apart();
#pragma omp parallel num_threads(threads)
  {
    try {
      run_all(workspaces_[static_cast<std::size_t>(omp_get_thread_num())], inputs, source, rules,
              results, &team_);
    } catch (...) {
#pragma omp critical(sidenet_runner_failure)
      failure = std::current_exception();
    }
    team_.finish();
  }
  if (failure) std::rethrow_exception(failure);
}

// One thread's share of the rows. Those that wait go on when no more come to join them, from the
// first exit to the last.
void Runner::run_all(Workspace& workspace, const RunInputs& inputs, Source& source,
                     const RunRules& rules, RunResults& results, Team* apart) {
  workspace.waiting.resize(plan_->exits().size());
  for (WaitingRows& rows : workspace.waiting) rows.clear();
  workspace.first_waiting = 0;
  for (int first = 0, last = 0; source.take(first, last);) {
    ExitClock clock(workspace.seconds);
    load(workspace, inputs, first, last - first);
    go_on(workspace, 0, rules, results, 1, clock, &source, apart);
  }
  for (std::size_t exit = 0; exit < workspace.waiting.size(); ++exit) {
    WaitingRows& rows = workspace.waiting[exit];
    while (!rows.empty()) {
      ExitClock clock(workspace.seconds);
      const std::size_t index = plan_->exits()[exit].step;
      workspace.drop_rows();
      rows.take(workspace, plan_->steps()[index].live, most_entries());
      go_on(workspace, index + 1, rules, results, 1, clock, &source, apart);
    }
  }
}

void Runner::run_rest(const RunInputs& inputs, int first, const RunRules& rules,
                      RunResults& results) {
  if (plan_->threads() == 1 && !workspaces_[0].step_seconds) {
    Source source(*this, inputs, first, inputs.rows, 1);
    return run_all(workspaces_[0], inputs, source, rules, results, nullptr);
  }
  while (first < inputs.rows) {
    const int end =
        chunk_end(inputs, first, inputs.rows, std::numeric_limits<std::int64_t>::max() / 2);
    if (workspaces_[0].step_seconds) {
      run_chunk(workspaces_[0], inputs, first, end - first, rules, results, plan_->threads());
    } else {
      run_chosen(inputs, first, end - first, rules, results);
    }
    first = end;
  }
}

void Runner::run_chosen(const RunInputs& inputs, int first, int rows, const RunRules& rules,
                        RunResults& results) {
  Workspace& workspace = workspaces_[0];
  const std::int64_t before = workspace.multiply_adds;
  const int levels = omp_get_max_active_levels();
  const Clock::time_point start = Clock::now();
  const bool all = choice_.all();
  // Without active levels every parallel region, oneDNN's too, is run by its caller alone.
  struct Levels {
    int levels;
    ~Levels() { omp_set_max_active_levels(levels); }
  } restore{levels};
  if (!all) omp_set_max_active_levels(0);
  run_chunk(workspace, inputs, first, rows, rules, results, all ? plan_->threads() : 1);
  const auto work = static_cast<double>(workspace.multiply_adds - before);
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  // Runs are of a kind where they ended at the same step; the first run of all makes kernels.
  if (work > 0 && std::exchange(warm_, true)) choice_.record(seconds, work, workspace.last_step);
}

void Runner::run_timed(const RunInputs& inputs, const RunRules& rules, RunResults& results,
                       std::vector<double>& step_seconds) {
  const ThreadSetting setting(plan_->threads());
  Workspace& workspace = workspaces_[0];
  workspace.multiply_adds = 0;
  workspace.step_seconds = &step_seconds;
  run_rest(inputs, 0, rules, results);
  workspace.step_seconds = nullptr;
  results.multiply_adds = saturating_add(results.multiply_adds, workspace.multiply_adds);
}

void Runner::load(Workspace& workspace, const RunInputs& inputs, int first, int rows) {
  const Slot& input = plan_->input();
  if (inputs.texts) {
    const auto& offsets = inputs.texts->offsets;
    const std::int64_t begin = offsets[static_cast<std::size_t>(first)],
                       end = offsets[static_cast<std::size_t>(first + rows)];
    const int room = std::max(static_cast<int>(end - begin),
                              micro_batch_cap_);  // no row is shorter than a token
    workspace.reserve(*plan_, {room, room, plan_->threads()});
    workspace.start_texts(*inputs.texts, first, rows);
    load_tokens(*inputs.texts, begin, end, workspace.at(input));
    return;
  }
  workspace.reserve(*plan_, {micro_batch_, 0, plan_->threads()});
  workspace.start(first, rows);
  for (int row = 0; row < rows; ++row) {
    load_row(plan_->input_shape(),
             inputs.images + static_cast<std::size_t>(first + row) * input.size,
             workspace.at(input) + static_cast<std::size_t>(row) * input.size);
  }
}

void Runner::run_chunk(Workspace& workspace, const RunInputs& inputs, int first, int rows,
                       const RunRules& rules, RunResults& results, int threads) {
  ExitClock clock(workspace.seconds);
  load(workspace, inputs, first, rows);
  go_on(workspace, 0, rules, results, threads, clock);
}

void Runner::go_on(Workspace& workspace, std::size_t index, const RunRules& rules,
                   RunResults& results, int threads, ExitClock& clock, const Source* source,
                   Team* apart) {
  const std::vector<Step>& steps = plan_->steps();
  const auto more = [&] {
    const auto shut = [&](const Step& step) {
      return step.exit >= 0 && !rules.exits[static_cast<std::size_t>(step.exit)].open;
    };
    while (index < steps.size() && shut(steps[index])) ++index;
    return index < steps.size() && !workspace.row_ids.empty();
  };
  const auto run_one = [&] { run_step(workspace, index++, rules, results, threads, clock); };
  const auto for_team = [&] {
    return threads > 1 && !apart && workspace.has_entered(steps[index].part) &&
           !plan_->executable(index).has_own_threads();
  };
  while (more()) {
    if (apart && threads == 1 && apart->is_last()) {
      apart->take_lead();
      threads = plan_->threads();
    }
    if (for_team()) {
      team_.lead([&] {
        do run_one();
        while (more() && for_team());
      });
    } else {
      run_one();
      const Step& step = steps[index - 1];
      if (source && step.exit >= 0 && !workspace.row_ids.empty() &&
          wait_here(workspace, step, source->has_more()))
        return;
    }
  }
}

// Weights of the exit right behind the step, if it is one that will be computed and is ready.
std::span<const std::byte> Runner::coming_exit(const Workspace& workspace, std::size_t index,
                                               const RunRules& rules) const {
  if (index + 1 == plan_->steps().size()) return {};
  const Step& next = plan_->steps()[index + 1];
  const bool computed = next.exit >= 0 && rules.exits[static_cast<std::size_t>(next.exit)].open;
  return computed && workspace.has_entered(next.part)
             ? plan_->executable(index + 1).streamed_weights()
             : std::span<const std::byte>();
}

void Runner::run_step(Workspace& workspace, std::size_t index, const RunRules& rules,
                      RunResults& results, int threads, ExitClock& clock) {
  const Step& step = plan_->steps()[index];
  workspace.last_step = index;
  if (step.starts_part) workspace.enter(*plan_, step.part);
  const bool at_side_exit =
      step.exit >= 0 && step.exit + 1 < static_cast<int>(plan_->exits().size());
  if (at_side_exit) clock.end_segment(step.exit);
  const auto start = workspace.step_seconds ? Clock::now() : Clock::time_point();
  RowBatch batch = workspace.batch();
  batch.coming = coming_exit(workspace, index, rules);
  const float* arguments[4];
  for (std::size_t i = 0; i < step.inputs.size(); ++i) arguments[i] = workspace.at(step.inputs[i]);
  float* output = workspace.at(step.output);
  if (step.copy_from >= 0) {
    const auto count = static_cast<std::size_t>(step.output.per_token ? batch.tokens : batch.rows);
    std::memcpy(output, arguments[step.copy_from], sizeof(float) * step.output.size * count);
  }
  plan_->executable(index).run({arguments, step.inputs.size()}, output, batch, workspace.scratch(),
                               threads);
  workspace.multiply_adds = saturating_add(workspace.multiply_adds, workspace.cost(step.cost));
  if (step.exit >= 0) {
    close_exit(workspace, step, rules, results);
    at_side_exit ? clock.end_head(step.exit) : clock.end_segment(step.exit);
  }
  if (workspace.step_seconds) {
    (*workspace.step_seconds)[index] += std::chrono::duration<double>(Clock::now() - start).count();
  }
}

}  // namespace sidenet
