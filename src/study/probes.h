#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "measure_exits.h"
#include "sidenet/suggestion.h"
#include "training_features.h"

namespace sidenet {

/// Probes at taps, scored on rows that they have not learnt.
struct ProbedExits {
  MeasuredExits measured;  ///< of the scored rows: an exit a tap, `final` last; costs are those of
                           ///< the SideNets to come
  std::vector<std::uint32_t> choosing,
      telling;                  ///< which of its rows may choose, and which are only told about
  std::int64_t probe_rows = 0;  ///< that a probe learnt from, the fewest
  /// Scored rows that are neither: they stand among those to learn from.
  std::int64_t left_out = 0;
};

/// Rows of the data, ascending.
struct ProbeRows {
  std::vector<std::int64_t> scored;
  std::vector<std::int64_t>
      learnt;  ///< all behind the scored ones; empty: probes are cross-fitted on those
};

/// Runs MainNet over the rows, trains the probes and measures what SideNets of options.hidden cost
/// at the taps. taps: in graph order, of different nodes. Throws Error as suggest_exits.
ProbedExits probe_exits(const Model& model, const LabelledData& data, const ProbeRows& rows,
                        const std::vector<std::string>& taps, const SuggestOptions& options,
                        const ProgressCallback& progress);

/// The options of the probes' training.
TrainOptions probe_training(const SuggestOptions& options);

}  // namespace sidenet
