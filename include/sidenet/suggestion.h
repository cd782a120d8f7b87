#pragma once

// Library: libsidenet-study (pkg-config sidenet-study, CMake sidenet::study).

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sidenet/dataset.h"
#include "sidenet/execution.h"
#include "sidenet/export.h"
#include "sidenet/model.h"
#include "sidenet/operating_point.h"
#include "sidenet/progress.h"
#include "sidenet/token_pooling.h"

namespace sidenet {

struct SuggestOptions {
  /// Times are measured at its batch; winograd and kernels are of what is timed.
  Execution execution = {};
  std::uint64_t seed = 1;
  std::int64_t rows = 4000;  ///< at most so many rows of the data are used, drawn by the seed
  /// Rows for probes to learn from, best those that `train` will get; empty: the data's own,
  /// cross-fitted.
  std::vector<std::shared_ptr<const Dataset>> probe_data = {};
  /// At most so many rows of probe_data are used, drawn by the seed.
  std::int64_t probe_rows = 10000;
  /// Taps to try; empty: all, or 24 spread evenly over the compute.
  std::vector<std::string> candidates = {};
  /// A set of taps to be told beside the suggestion; empty: none.
  std::vector<std::string> compare = {};
  int max_exits = 4;  ///< 1 to 16
  /// What may be lost where exits are chosen: the mean of the drop in accuracy against MainNet and
  /// the share of rows that are not answered with MainNet's class. On other rows the drop comes out
  /// near it; disagreement alone is larger.
  double max_drop = 0.005;
  double min_gain = 0.005;  ///< share of MainNet's cost that an exit must save to be worth having
  bool by_time = false;     ///< what is saved is time measured on this machine; else multiply-adds

  // What `train` will be asked for: the cost of a SideNet is that of this width.
  int hidden = 256;
  int pool = 2;
  TokenPooling token_pool = TokenPooling::cls_mean;

  // The probes: SideNets of little width, trained shortly.
  int probe_hidden = 64;
  int probe_epochs = 15;
};

/// A tap, tried alone. Figures are of the rows that chose nothing.
struct ProbedTap {
  std::string name;
  double compute_share = 0;  ///< of MainNet's, up to the tap
  double head_compute = 0;   ///< of its SideNet, a share of MainNet's
  double ms = 0,
         head_ms = 0;  ///< up to the tap, and the SideNet, of a mean row; NaN without by_time
  double accuracy = 0, ece = 0,
         auroc = 0;  ///< of the probe; AUROC of its confidence; NaN where undefined
  double threshold = 2, answered = 0,
         saved = 0;  ///< alone, at the threshold that max_drop gives where it is chosen
};

/// Exits with one threshold for all of them: of those that keep max_drop on the rows that choose,
/// the one that saves the most there.
struct ExitSet {
  std::vector<std::string> taps;  ///< in graph order
  double threshold = 2;  ///< of the probes' confidences; above 1: no threshold saves anything
  double worth = 0;     ///< share of MainNet's cost saved on the rows that chose, the mean at half,
                        ///< once and twice max_drop
  double saved = 0;     ///< the same on rows that chose nothing
  double accuracy = 0;  ///< there
  double agreement = 0;            ///< there: share of rows answered with MainNet's class
  std::vector<std::int64_t> rows;  ///< there: answered by each exit, `final` last
};

struct Suggestion {
  std::vector<ProbedTap> taps;  ///< those tried, in graph order
  std::vector<ExitSet> sets;    ///< the best of 1, 2, … max_exits taps
  ExitSet suggested;            ///< one of them, or no taps where none is worth having
  /// Of each suggested exit: what the set is worth more than without it.
  std::vector<double> gains;
  std::optional<ExitSet> compared;  ///< options.compare
  double mainnet_accuracy = 0;      ///< on the rows that chose nothing
  double mainnet_ms = 0;            ///< of a mean row; NaN without by_time
  std::int64_t choosing_rows = 0, told_rows = 0;
  std::int64_t probe_rows = 0;  ///< that a probe has learnt from, the fewest
  std::int64_t left_out = 0;    ///< of the data, because probe_data has them too
  std::vector<std::string> notes;
  /// Where the data speak against what was assumed of the model: a line each.
  std::vector<std::string> warnings;
};

///     const auto held_out = Dataset::open("held_out/"), training = Dataset::open("training/");
///     const Suggestion result = suggest_exits(model, {held_out}, {.max_exits = 3});
///     train_sidenets(model, {training}, {.taps = result.suggested.taps});
///
/// Tries every candidate tap with a probe and proposes the exits that with one threshold for all of
/// them save the most around max_drop, SideNets' costs included. MainNet runs once over the rows.
/// A quarter of the rows is kept for the report. The rest chooses the exits; no probe scores a row
/// that it was trained on. Probes learn from probe_data, or three each from two thirds of the rows.
/// Sets grow an exit at a time, and after each the exits are exchanged one by one while that helps.
///
/// SideNets that `train` makes on more rows are better than probes and save more. The data should
/// be rows that MainNet's training has not seen, as it is surer of those.
///
/// Throws Error where options are out of range, a tap does not exist, the model has no head,
/// features would take more than 2 GiB, or the data does not do: fewer than 100 rows, one class
/// only, classes that do not fit the model's.
SIDENET_API Suggestion suggest_exits(const Model& model,
                                     const std::vector<std::shared_ptr<const Dataset>>& data,
                                     const SuggestOptions& options = {},
                                     const ProgressCallback& progress = {});

}  // namespace sidenet
