// What a Runner does at an exit: who leaves, who waits, and that the others close up.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "runner.h"

namespace sidenet {

void Runner::close_exit(Workspace& workspace, const Step& step, const RunRules& rules,
                        RunResults& results) {
  const std::size_t width = step.output.size, rows = workspace.row_ids.size();
  const float* logits = workspace.at(step.output);
  const ExitRule& rule = rules.exits[static_cast<std::size_t>(step.exit)];
  std::vector<char>& leaves = workspace.leaves;
  leaves.assign(rows, 0);
  std::size_t leaving = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    const float* row_logits = logits + row * width;
    const auto id = static_cast<std::size_t>(workspace.row_ids[row]);
    if (rules.collect_all) {
      std::memcpy(results.all[static_cast<std::size_t>(step.exit)] + id * width, row_logits,
                  sizeof(float) * width);
      continue;
    }
    float confidence =
        confidence_of(row_logits, static_cast<int>(width), rule.temperature, rules.confidence);
    const bool fails =
        std::isnan(confidence);  // the row has no answer then, whatever another exit would say
    if (rule.map && rules.confidence == Confidence::max_probability)
      confidence = (*rule.map)(confidence);
    const bool audited = !rules.audited.empty() && rules.audited[id] != 0;
    const bool at_stop = step.exit == rules.stop, answered = audited && results.exit[id] >= 0;
    if (!at_stop && !fails && !(confidence >= rule.threshold)) continue;
    if (!answered) {
      results.exit[id] = step.exit;
      results.confidence[id] = confidence;
      std::memcpy(results.logits + id * width, row_logits, sizeof(float) * width);
    }
    if (audited && !at_stop && (answered || !fails)) continue;
    if (audited && !fails)
      results.audit[id] =
          static_cast<int>(std::max_element(row_logits, row_logits + width) - row_logits);
    leaves[row] = 1;
    ++leaving;
  }
  if (rules.collect_all && step.exit == rules.stop) leaving = rows;
  if (leaving == rows) {
    workspace.row_ids.clear();
  } else if (leaving > 0) {
    compact(workspace, step);
  }
}

// The rows that stay close up, in order; texts with all their tokens.
void Runner::compact(Workspace& workspace, const Step& step) const {
  const bool is_text = plan_->is_text();
  std::vector<std::int64_t>& offsets = workspace.offsets;
  std::size_t to = 0;
  if (is_text) workspace.token_pairs = 0;
  for (std::size_t from = 0; from < workspace.row_ids.size(); ++from) {
    if (workspace.leaves[from] != 0) continue;
    const std::int64_t length = is_text ? offsets[from + 1] - offsets[from] : 0;
    if (to != from) {
      workspace.row_ids[to] = workspace.row_ids[from];
      for (const Slot& slot : step.live) {
        float* base = workspace.at(slot);
        if (slot.per_token) {  // a long row may overlap the place it moves to
          std::memmove(base + static_cast<std::size_t>(offsets[to]) * slot.size,
                       base + static_cast<std::size_t>(offsets[from]) * slot.size,
                       sizeof(float) * slot.size * static_cast<std::size_t>(length));
        } else {
          std::memcpy(base + to * slot.size, base + from * slot.size, sizeof(float) * slot.size);
        }
      }
    }
    ++to;
    if (is_text) {
      // offsets[to] is no longer needed as a start: to <= from + 1, and offsets[from + 1] keeps its
      // value until it is read.
      workspace.token_pairs += length * length;
      if (to <= from) offsets[to] = offsets[to - 1] + length;
    }
  }
  workspace.row_ids.resize(to);
}

// Behind an exit, with rows left: those that wait there join them where they make up a micro-batch
// together or no more will come; else they all wait, if reading the weights of the next segment for
// them alone takes longer than copying their values there and back. A float of weights comes from
// further away than one of values.
bool Runner::wait_here(Workspace& workspace, const Step& step, bool coming) const {
  const auto exit = static_cast<std::size_t>(step.exit);
  WaitingRows& waiting = workspace.waiting[exit];
  const RowBatch batch = workspace.batch();
  const std::int64_t here = plan_->is_text() ? batch.tokens : batch.rows, most = most_entries();
  if ((coming || workspace.rows_wait_before(exit)) && here + waiting.entries() < most) {
    std::int64_t values = 0;
    for (const Slot& slot : step.live)
      values += static_cast<std::int64_t>(slot.size) * (slot.per_token ? batch.tokens : batch.rows);
    if (plan_->exits()[exit].parameters_behind > values) {
      waiting.put(workspace, step.live);
      workspace.first_waiting = std::min(workspace.first_waiting, exit);
      return true;
    }
  }
  if (!waiting.empty()) waiting.take(workspace, step.live, most);
  return false;
}

}  // namespace sidenet
