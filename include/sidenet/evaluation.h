#pragma once

// Library: libsidenet-study (pkg-config sidenet-study, CMake sidenet::study).

#include <cstdint>
#include <string>
#include <vector>

#include "sidenet/dataset.h"
#include "sidenet/execution.h"
#include "sidenet/exit_policy.h"
#include "sidenet/export.h"
#include "sidenet/model.h"
#include "sidenet/progress.h"

namespace sidenet {

struct ExitReport {
  std::string name;
  std::int64_t rows = 0;  ///< that left here
  double accuracy = 0;    ///< among them; NaN where none
  double ece = 0;  ///< expected calibration error, 15 equal bins (arXiv 1706.04599); NaN where none
};

/// MainNet against MainNet with exits on the same rows, run side by side: each batch both ways, in
/// alternating order.
struct Evaluation {
  std::int64_t rows = 0;
  double accuracy = 0;          ///< with exits
  double mainnet_accuracy = 0;  ///< without
  double agreement = 0;         ///< share of rows where both give the same class
  std::vector<ExitReport> exits;
  double compute_ratio = 0;  ///< multiply-adds executed, SideNets included, over MainNet's alone
  double ms_per_row = 0;     ///< wall clock of Session::run with exits
  double mainnet_ms_per_row = 0;
  std::vector<std::string>
      notes;  ///< how the data's classes were taken for the model's, where that was not plain
  /// Where the data speak against what was assumed of the model: a line each.
  std::vector<std::string> warnings;
};

///     const auto data = Dataset::open("t10k-images.gz,t10k-labels.gz", {.limit = 500});
///     const Evaluation result = evaluate(model, *data, ExitPolicy::uniform(0.9));
///
/// Throws Error where labels do not fit the head, or the policy names an unknown exit.
SIDENET_API Evaluation evaluate(const Model& model, const Dataset& data, const ExitPolicy& policy,
                                const Execution& execution = {},
                                const ProgressCallback& progress = {});

}  // namespace sidenet
