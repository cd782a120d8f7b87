#pragma once

// Library: libsidenet-study (pkg-config sidenet-study, CMake sidenet::study).

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "sidenet/dataset.h"
#include "sidenet/execution.h"
#include "sidenet/export.h"
#include "sidenet/model.h"
#include "sidenet/operating_point.h"
#include "sidenet/progress.h"

namespace sidenet {

struct SweepOptions {
  Execution execution = {};  ///< times are measured at its batch
  std::uint64_t seed = 1;    ///< of the joint search
  int examples = 12;         ///< easiest and hardest rows to name
};

/// How true an exit's confidence is, over some rows. Brier and negative log-likelihood are those of
/// the event "the answer is right". NaN where there are no rows.
struct Trust {
  std::int64_t rows = 0;
  double accuracy = 0, ece = 0, brier = 0, nll = 0;
  double auroc = 0;  ///< of the confidence as a sign that the answer is right
};

/// A bar of a reliability diagram; bin m of 15 holds confidences in ((m - 1) / 15, m / 15].
struct ReliabilityBar {
  std::int64_t rows = 0;
  double confidence = 0, accuracy = 0;  ///< means; NaN without rows
};

struct SweptExit {
  ExitInfo info;
  Trust all, reached, answered;  ///< rows that reach and that answer under the model's thresholds
  Trust all_uncalibrated, reached_uncalibrated;         ///< temperature 1 and no map
  std::vector<ReliabilityBar> bars, bars_uncalibrated;  ///< over all rows
  /// Who is right, this exit or MainNet's own head. exit_only is "overthinking" (arXiv 1810.07052).
  std::int64_t both_right = 0, exit_only = 0, mainnet_only = 0, both_wrong = 0;
};

/// Accuracy, compute and time at every choice of thresholds, from one pass over the data.
struct Sweep {
  ExitScores scores;
  std::vector<SweptExit> exits;  ///< `final` last
  double mainnet_accuracy = 0;
  double mainnet_ms = 0;                ///< of a mean row, without SideNets
  std::vector<OperatingPoint> uniform;  ///< one threshold for all exits, from all shut on
  std::vector<OperatingPoint>
      joint;  ///< one an exit, chosen together on these very rows: others do a little worse
  OperatingPoint current;                      ///< the model's own thresholds
  std::vector<std::int64_t> easiest, hardest;  ///< rows
  std::vector<std::string> notes;
  /// Where the data speak against what was assumed of the model: a line each.
  std::vector<std::string> warnings;
};

///     const Sweep curve = sweep(model, *data, {.execution = {.threads = 2}});
///
/// Throws Error where the data has no rows or does not fit the model.
SIDENET_API Sweep sweep(const Model& model, const Dataset& data, const SweepOptions& options,
                        const ProgressCallback& progress = {});

}  // namespace sidenet
