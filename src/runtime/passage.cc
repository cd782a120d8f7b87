#include "passage.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "checked.h"
#include "close_exit.h"

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

Passage::Passage(const Plan& plan, const MicroBatch& most, Team& team, Lane& lane,
                 const RunRequest& request)
    : plan_(plan),
      most_(most),
      team_(team),
      workspace_(lane.workspace),
      waiting_(lane.waiting),
      tally_(lane.tally),
      request_(request),
      clock_(lane.tally.seconds) {}

void Passage::run(int first, int last, int threads) {
  threads_ = threads;
  load(first, last - first);
  go_on(0);
}

void Passage::run_all(RowSource& source, bool apart) {
  source_ = &source;
  apart_ = apart;
  waiting_.start(plan_.exits().size());
  for (int first = 0, last = 0; source.take(first, last);) {
    load(first, last - first);
    go_on(0);
  }
  for (std::size_t exit = 0; exit < plan_.exits().size(); ++exit) {
    WaitingRows& rows = waiting_.behind(exit);
    while (!rows.empty()) {
      clock_.start();
      const std::size_t index = plan_.exits()[exit].step;
      workspace_.drop_rows();
      rows.take(workspace_, plan_.steps()[index].live, most_.entries());
      go_on(index + 1);
    }
  }
}

void Passage::load(int first, int rows) {
  clock_.start();
  const Slot& input = plan_.input();
  const RunInputs& inputs = request_.inputs;
  if (inputs.texts) {
    const auto& offsets = inputs.texts->offsets;
    const std::int64_t begin = offsets[static_cast<std::size_t>(first)],
                       end = offsets[static_cast<std::size_t>(first + rows)];
    const int room =
        std::max(static_cast<int>(end - begin), most_.tokens);  // no row is shorter than a token
    workspace_.reserve(plan_, {room, room, plan_.threads()});
    workspace_.start_texts(*inputs.texts, first, rows);
    load_tokens(*inputs.texts, begin, end, workspace_.at(input));
    return;
  }
  workspace_.reserve(plan_, {most_.rows, 0, plan_.threads()});
  workspace_.start(first, rows);
  for (int row = 0; row < rows; ++row) {
    load_row(plan_.input_shape(),
             inputs.images + static_cast<std::size_t>(first + row) * input.size,
             workspace_.at(input) + static_cast<std::size_t>(row) * input.size);
  }
}

void Passage::go_on(std::size_t index) {
  while (has_more(index)) {
    if (apart_ && threads_ == 1 && team_.is_last()) {
      team_.take_lead();
      threads_ = plan_.threads();
    }
    if (is_for_team(index)) {
      team_.lead([&] {
        do run_step(index++);
        while (has_more(index) && is_for_team(index));
      });
      continue;
    }
    run_step(index);
    const Step& step = plan_.steps()[index++];
    if (source_ && step.exit >= 0 && !workspace_.row_ids.empty() && wait_here(step)) return;
  }
}

bool Passage::has_more(std::size_t& index) const {
  const std::vector<Step>& steps = plan_.steps();
  while (index < steps.size() && steps[index].exit >= 0 && !is_open(steps[index])) ++index;
  return index < steps.size() && !workspace_.row_ids.empty();
}

// A team is led through a stretch of steps: none that makes kernels or has threads of its own.
bool Passage::is_for_team(std::size_t index) const {
  return threads_ > 1 && !apart_ && workspace_.has_entered(plan_.steps()[index].part) &&
         !plan_.executable(index).has_own_threads();
}

std::span<const std::byte> Passage::coming_exit(std::size_t index) const {
  if (index + 1 == plan_.steps().size()) return {};
  const Step& next = plan_.steps()[index + 1];
  return next.exit >= 0 && is_open(next) && workspace_.has_entered(next.part)
             ? plan_.executable(index + 1).streamed_weights()
             : std::span<const std::byte>();
}

void Passage::run_step(std::size_t index) {
  const Step& step = plan_.steps()[index];
  std::vector<double>* step_seconds = request_.results.step_seconds;
  tally_.last_step = index;
  if (step.starts_part) workspace_.enter(plan_, step.part);
  const bool at_side_exit =
      step.exit >= 0 && step.exit + 1 < static_cast<int>(plan_.exits().size());
  if (at_side_exit) clock_.end_segment(step.exit);
  const auto start = step_seconds ? Clock::now() : Clock::time_point();
  RowBatch batch = workspace_.batch();
  batch.coming = coming_exit(index);
  const std::span<const float* const> arguments = workspace_.arguments(step);
  float* output = workspace_.at(step.output);
  if (step.copy_from >= 0) {
    const auto count = static_cast<std::size_t>(step.output.per_token ? batch.tokens : batch.rows);
    std::memcpy(output, arguments[static_cast<std::size_t>(step.copy_from)],
                sizeof(float) * step.output.size * count);
  }
  plan_.executable(index).run(arguments, output, batch, workspace_.scratch(), threads_);
  tally_.multiply_adds = saturating_add(tally_.multiply_adds, workspace_.cost(step.cost));
  if (step.exit >= 0) {
    close_exit(workspace_, step, request_);
    at_side_exit ? clock_.end_head(step.exit) : clock_.end_segment(step.exit);
  }
  if (step_seconds) {
    (*step_seconds)[index] += std::chrono::duration<double>(Clock::now() - start).count();
  }
}

// Behind an exit, with rows left: those that wait there join them where they make up a micro-batch
// together or no more will come; else they all wait, if that is worth it.
bool Passage::wait_here(const Step& step) {
  const auto exit = static_cast<std::size_t>(step.exit);
  WaitingRows& waiting = waiting_.behind(exit);
  const RowBatch batch = workspace_.batch();
  const std::int64_t here = plan_.is_text() ? batch.tokens : batch.rows;
  if ((source_->has_more() || waiting_.any_before(exit)) &&
      here + waiting.entries() < most_.entries() && is_worth_waiting(step)) {
    waiting_.put(exit, workspace_, step.live);
    return true;
  }
  if (!waiting.empty()) waiting.take(workspace_, step.live, most_.entries());
  return false;
}

// Whether reading the weights of the next segment for these rows alone takes longer than copying
// their values there and back. A float of weights comes from further away than one of values.
bool Passage::is_worth_waiting(const Step& step) const {
  const RowBatch batch = workspace_.batch();
  std::int64_t values = 0;
  for (const Slot& slot : step.live)
    values += static_cast<std::int64_t>(slot.size) * (slot.per_token ? batch.tokens : batch.rows);
  return plan_.exits()[static_cast<std::size_t>(step.exit)].parameters_behind > values;
}

}  // namespace sidenet
