#include "close_exit.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "confidence.h"

namespace sidenet {
namespace {

void collect(const Workspace& workspace, const Step& step, RunResults& results) {
  const std::size_t width = step.output.size;
  const float* logits = workspace.at(step.output);
  float* all = results.all[static_cast<std::size_t>(step.exit)];
  for (const int id : workspace.row_ids) {
    std::memcpy(all + static_cast<std::size_t>(id) * width, logits, sizeof(float) * width);
    logits += width;
  }
}

// NaN: the row has no answer.
float exit_confidence(const Step& step, const RunRules& rules, const float* logits) {
  const ExitRule& rule = rules.exits[static_cast<std::size_t>(step.exit)];
  const float confidence =
      confidence_of(logits, static_cast<int>(step.output.size), rule.temperature, rules.confidence);
  const bool is_mapped = rule.map && rules.confidence == Confidence::max_probability;
  return is_mapped ? (*rule.map)(confidence) : confidence;
}

// Writes down what the exit says to row `id`. True: the row leaves.
bool answer_row(const Step& step, const RunRequest& request, std::size_t id, const float* logits) {
  const RunRules& rules = request.rules;
  RunResults& results = request.results;
  const std::size_t width = step.output.size;
  const float confidence = exit_confidence(step, rules, logits);
  const bool fails =
      std::isnan(confidence);  // the row has no answer then, whatever another exit would say
  const bool audited = !rules.audited.empty() && rules.audited[id] != 0;
  const bool at_stop = step.exit == rules.stop, answered = audited && results.exit[id] >= 0;
  const double threshold = rules.exits[static_cast<std::size_t>(step.exit)].threshold;
  if (!at_stop && !fails && !(confidence >= threshold)) return false;
  if (!answered) {
    results.exit[id] = step.exit;
    results.confidence[id] = confidence;
    std::memcpy(results.logits + id * width, logits, sizeof(float) * width);
  }
  if (audited && !at_stop && (answered || !fails)) return false;
  if (audited && !fails)
    results.audit[id] = static_cast<int>(std::max_element(logits, logits + width) - logits);
  return true;
}

// The rows that stay close up, in order; texts with all their tokens.
void compact(Workspace& workspace, const Step& step) {
  std::vector<std::int64_t>& offsets = workspace.offsets;
  const bool is_text = !offsets.empty();
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

}  // namespace

void close_exit(Workspace& workspace, const Step& step, const RunRequest& request) {
  if (request.rules.collect_all) {
    collect(workspace, step, request.results);
    if (step.exit == request.rules.stop) workspace.row_ids.clear();
    return;
  }
  const std::size_t rows = workspace.row_ids.size();
  const float* logits = workspace.at(step.output);
  workspace.leaves.assign(rows, 0);
  std::size_t leaving = 0;
  for (std::size_t row = 0; row < rows; ++row, logits += step.output.size) {
    if (!answer_row(step, request, static_cast<std::size_t>(workspace.row_ids[row]), logits))
      continue;
    workspace.leaves[row] = 1;
    ++leaving;
  }
  if (leaving == rows) {
    workspace.row_ids.clear();
  } else if (leaving > 0) {
    compact(workspace, step);
  }
}

}  // namespace sidenet
