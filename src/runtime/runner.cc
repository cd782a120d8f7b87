#include "runner.h"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <exception>

#include "large_buffer.h"
#include "threads.h"

namespace sidenet {
namespace {

constexpr std::size_t kAlignment = 64;

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

Workspace::Workspace(const Plan& plan, int micro_batch) {
  const std::size_t arena = plan.arena_floats() * sizeof(float) * static_cast<std::size_t>(micro_batch);
  const std::size_t bytes = (arena + plan.scratch_bytes() + 2 * kAlignment) / kAlignment * kAlignment;
  memory_ = allocate_large(bytes);
  arena_ = reinterpret_cast<float*>(memory_.get());
  scratch_ = memory_.get() + (arena + kAlignment - 1) / kAlignment * kAlignment;
  row_ids.reserve(static_cast<std::size_t>(micro_batch));
  leaves.reserve(static_cast<std::size_t>(micro_batch));
}

Runner::Runner(std::shared_ptr<const Plan> plan, int micro_batch)
    : plan_(std::move(plan)), micro_batch_(micro_batch > 0 ? micro_batch : plan_->micro_batch()) {
  for (int t = 0; t < plan_->threads(); ++t) workspaces_.emplace_back(*plan_, micro_batch_);
}

void Runner::run(const float* inputs, int rows, const RunRules& rules, RunResults& results) {
  const int threads = plan_->threads();
  const ThreadSetting setting(threads);
  for (Workspace& workspace : workspaces_) workspace.multiply_adds = 0;
  const int shared = threads > 1 ? rows / threads * threads : 0;  // rows that keep every thread busy with rows of its own
  std::exception_ptr failure;
  if (shared > 0) {
    std::atomic<int> next{0};
#pragma omp parallel num_threads(threads)
    {
      try {
        Workspace& workspace = workspaces_[static_cast<std::size_t>(omp_get_thread_num())];
        for (int first = next.load(); first < shared;) {
          // Smaller bites towards the end, so that all threads finish together.
          const int bite = std::clamp((shared - first) / (2 * threads), 1, micro_batch_);
          if (next.compare_exchange_weak(first, first + bite)) {
            run_chunk(workspace, inputs, first, bite, rules, results, 1);
            first = next.load();
          }
        }
      } catch (...) {
#pragma omp critical(sidenet_runner_failure)
        failure = std::current_exception();
      }
    }
    if (failure) std::rethrow_exception(failure);
  }
  for (int first = shared; first < rows; first += micro_batch_) {
    run_chunk(workspaces_[0], inputs, first, std::min(micro_batch_, rows - first), rules, results, threads);
  }
  for (const Workspace& workspace : workspaces_) results.multiply_adds += workspace.multiply_adds;
}

void Runner::run_timed(const float* inputs, int rows, const RunRules& rules, RunResults& results,
                       std::vector<double>& step_seconds) {
  const ThreadSetting setting(plan_->threads());
  Workspace& workspace = workspaces_[0];
  workspace.multiply_adds = 0;
  workspace.step_seconds = &step_seconds;
  for (int first = 0; first < rows; first += micro_batch_) {
    run_chunk(workspace, inputs, first, std::min(micro_batch_, rows - first), rules, results, plan_->threads());
  }
  workspace.step_seconds = nullptr;
  results.multiply_adds += workspace.multiply_adds;
}

void Runner::run_chunk(Workspace& workspace, const float* inputs, int first, int rows, const RunRules& rules,
                       RunResults& results, int threads) {
  const auto batch = static_cast<std::size_t>(micro_batch_);
  const auto at = [&](const Slot& slot) { return workspace.arena() + slot.offset * batch; };
  const Slot& input = plan_->input();
  for (int row = 0; row < rows; ++row) {
    load_row(plan_->input_shape(), inputs + static_cast<std::size_t>(first + row) * input.size,
             at(input) + static_cast<std::size_t>(row) * input.size);
  }
  workspace.row_ids.resize(static_cast<std::size_t>(rows));
  for (int row = 0; row < rows; ++row) workspace.row_ids[static_cast<std::size_t>(row)] = first + row;

  const float* arguments[4];
  for (std::size_t index = 0; index < plan_->steps().size() && rows > 0; ++index) {
    const Step& step = plan_->steps()[index];
    if (step.exit >= 0 && !rules.exits[static_cast<std::size_t>(step.exit)].open) continue;
    const auto start = workspace.step_seconds ? std::chrono::steady_clock::now() : std::chrono::steady_clock::time_point();
    for (std::size_t i = 0; i < step.inputs.size(); ++i) arguments[i] = at(step.inputs[i]);
    if (step.copy_from >= 0) {
      std::memcpy(at(step.output), arguments[step.copy_from],
                  sizeof(float) * step.output.size * static_cast<std::size_t>(rows));
    }
    step.executable->run({arguments, step.inputs.size()}, at(step.output), rows, workspace.scratch(), threads);
    workspace.multiply_adds += step.multiply_adds * rows;
    if (step.exit >= 0) close_exit(workspace, step, rows, rules, results);
    if (workspace.step_seconds) {
      (*workspace.step_seconds)[index] += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    }
  }
}

void Runner::close_exit(Workspace& workspace, const Step& step, int& rows, const RunRules& rules, RunResults& results) {
  const std::size_t width = step.output.size;
  const float* logits = workspace.arena() + step.output.offset * static_cast<std::size_t>(micro_batch_);
  const ExitRule& rule = rules.exits[static_cast<std::size_t>(step.exit)];
  std::vector<char>& leaves = workspace.leaves;
  leaves.assign(static_cast<std::size_t>(rows), 0);
  int leaving = 0;
  for (int row = 0; row < rows; ++row) {
    const float* row_logits = logits + static_cast<std::size_t>(row) * width;
    const auto id = static_cast<std::size_t>(workspace.row_ids[static_cast<std::size_t>(row)]);
    if (rules.collect_all) {
      std::memcpy(results.all[static_cast<std::size_t>(step.exit)] + id * width, row_logits, sizeof(float) * width);
      continue;
    }
    const float confidence = confidence_of(row_logits, static_cast<int>(width), rule.temperature, rules.confidence);
    if (step.exit != rules.stop && !(confidence >= rule.threshold)) continue;
    results.exit[id] = step.exit;
    results.confidence[id] = confidence;
    std::memcpy(results.logits + id * width, row_logits, sizeof(float) * width);
    leaves[static_cast<std::size_t>(row)] = 1;
    ++leaving;
  }
  if (rules.collect_all && step.exit == rules.stop) leaving = rows;
  if (leaving == rows) {
    rows = 0;
  } else if (leaving > 0) {
    compact(workspace, step, rows);
    rows -= leaving;
  }
}

void Runner::compact(Workspace& workspace, const Step& step, int rows) const {
  std::size_t to = 0;
  for (std::size_t from = 0; from < static_cast<std::size_t>(rows); ++from) {
    if (workspace.leaves[from] != 0) continue;
    if (to != from) {
      workspace.row_ids[to] = workspace.row_ids[from];
      for (const Slot& slot : step.live) {
        float* base = workspace.arena() + slot.offset * static_cast<std::size_t>(micro_batch_);
        std::memcpy(base + to * slot.size, base + from * slot.size, sizeof(float) * slot.size);
      }
    }
    ++to;
  }
  workspace.row_ids.resize(to);
}

}  // namespace sidenet
