#pragma once

#include <cstdint>
#include <vector>

#include "confidence_map.h"
#include "sidenet/exit_policy.h"
#include "sidenet/text.h"

namespace sidenet {

/// What one exit does in one request.
struct ExitRule {
  bool open = false;     ///< a shut exit is not computed
  double threshold = 2;  ///< a row leaves where confidence >= threshold
  double temperature = 1;
  /// Of the largest probability; null: as it is. Outlives the request.
  const ConfidenceMap* map = nullptr;
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
  /// Where set, each step's seconds are added, and rows go one micro-batch after the other.
  std::vector<double>* step_seconds = nullptr;
};

/// One call of Runner::run().
struct RunRequest {
  const RunInputs& inputs;
  const RunRules& rules;
  RunResults& results;
};

}  // namespace sidenet
