#include "runner.h"

#include <omp.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

#include "checked.h"
#include "machine_memory.h"
#include "passage.h"
#include "threads.h"

namespace sidenet {

Runner::Runner(std::shared_ptr<const Plan> plan, int micro_batch)
    : plan_(std::move(plan)),
      micro_batch_{micro_batch > 0 ? micro_batch : plan_->micro_batch(),
                   plan_->is_text() ? plan_->micro_batch() : 0},
      lanes_(static_cast<std::size_t>(plan_->threads())),
      team_(plan_->threads()) {}

// How many of the rows keep every thread busy with rows of its own.
int Runner::rows_for_own_threads(const RunInputs& inputs) const {
  const int threads = plan_->threads();
  if (threads == 1) return 0;
  const auto fits = [&](const Capacity& one) {
    return fits_memory(
        checked_mul(arena_bytes(*plan_, one), static_cast<std::uint64_t>(threads), "activations"));
  };
  if (!inputs.texts)
    return fits({micro_batch_.rows, 0, threads}) ? inputs.rows / threads * threads : 0;
  std::int64_t longest = 0;
  for (int row = 0; row < inputs.rows; ++row)
    longest = std::max(longest, inputs.texts->length(row));
  const int room = std::max(static_cast<int>(longest), micro_batch_.tokens);
  if (!fits({room, room, threads})) return 0;
  // With a thread's last row as long as that, the others wait at most a quarter of the whole time
  // for it.
  return inputs.texts->tokens() >= 4 * threads * longest ? inputs.rows : 0;
}

void Runner::run(const RunRequest& request) {
  RunResults& results = request.results;
  if (!request.rules.audited.empty()) {
    results.exit.assign(static_cast<std::size_t>(request.inputs.rows), -1);
    results.audit.assign(static_cast<std::size_t>(request.inputs.rows), -1);
  }
  const ThreadSetting setting(plan_->threads());
  for (Lane& lane : lanes_) {
    const std::size_t exits = results.seconds ? plan_->exits().size() : 0;
    lane.tally = {0, 0, {std::vector<double>(exits), std::vector<double>(exits)}};
  }
  const int apart = results.step_seconds ? 0 : rows_for_own_threads(request.inputs);
  if (apart > 0) {
    run_apart(apart, request);
    take_seconds(plan_->threads(), results);
  }
  run_rest(apart, request);
  take_seconds(1, results);
  for (const Lane& lane : lanes_)
    results.multiply_adds = saturating_add(results.multiply_adds, lane.tally.multiply_adds);
}

void Runner::take_seconds(double threads, RunResults& results) {
  if (!results.seconds) return;
  const auto take = [threads](std::vector<double>& from, std::vector<double>& to) {
    to.resize(from.size());
    for (std::size_t i = 0; i < from.size(); ++i) to[i] += std::exchange(from[i], 0.0) / threads;
  };
  for (Lane& lane : lanes_) {
    take(lane.tally.seconds.segment, results.seconds->segment);
    take(lane.tally.seconds.head, results.seconds->head);
  }
}

// Rows 0 … rows - 1, a thread each micro-batch.
void Runner::run_apart(int rows, const RunRequest& request) {
  const int threads = plan_->threads();
  RowSource source(request.inputs, micro_batch_, 0, rows, threads);
  std::exception_ptr failure;
  team_.start_apart();
#pragma omp parallel num_threads(threads)
  {
    try {
      Lane& lane = lanes_[static_cast<std::size_t>(omp_get_thread_num())];
      Passage(*plan_, micro_batch_, team_, lane, request).run_all(source, true);
    } catch (...) {
#pragma omp critical(sidenet_runner_failure)
      failure = std::current_exception();
    }
    team_.finish();
  }
  if (failure) std::rethrow_exception(failure);
}

// Rows from `first` on, one micro-batch after the other.
void Runner::run_rest(int first, const RunRequest& request) {
  RowSource source(request.inputs, micro_batch_, first, request.inputs.rows, 1);
  Passage passage(*plan_, micro_batch_, team_, lanes_[0], request);
  const bool is_timed = request.results.step_seconds != nullptr;
  if (plan_->threads() == 1 && !is_timed) return passage.run_all(source, false);
  for (int last = 0; source.take(first, last);) {
    if (is_timed) {
      passage.run(first, last, plan_->threads());
    } else {
      run_chosen(passage, first, last);
    }
  }
}

// With all threads inside each kernel, or one.
void Runner::run_chosen(Passage& passage, int first, int last) {
  using Clock = std::chrono::steady_clock;
  const Tally& tally = lanes_[0].tally;
  const std::int64_t before = tally.multiply_adds;
  const Clock::time_point start = Clock::now();
  const bool all = choice_.all();
  // Without active levels every parallel region, oneDNN's too, is run by its caller alone.
  struct Levels {
    int levels = omp_get_max_active_levels();
    ~Levels() { omp_set_max_active_levels(levels); }
  } restore;
  if (!all) omp_set_max_active_levels(0);
  passage.run(first, last, all ? plan_->threads() : 1);
  const auto work = static_cast<double>(tally.multiply_adds - before);
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  // Runs are of a kind where they ended at the same step; the first run of all makes kernels.
  if (work > 0 && std::exchange(warm_, true)) choice_.record(seconds, work, tally.last_step);
}

}  // namespace sidenet
