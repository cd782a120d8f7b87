#pragma once

// Library: libsidenet-study (pkg-config sidenet-study, CMake sidenet::study).

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sidenet/dataset.h"
#include "sidenet/export.h"
#include "sidenet/model.h"
#include "sidenet/progress.h"
#include "sidenet/train_options.h"

namespace sidenet {

/// What training measured of one SideNet.
struct TrainedExit {
  std::string name;
  double holdout_accuracy = 0, holdout_loss = 0;
  int best_epoch = 0;
  std::int64_t training_rows = 0, holdout_rows = 0;
};

struct TrainResult {
  Model model;  ///< the given one with the exits added (an exit of the same name is replaced)
  std::vector<TrainedExit> exits;
  std::vector<std::string>
      notes;  ///< how the data's classes were taken for the model's, where that was not plain
  /// Where the data speak against what was assumed of the model: a line each.
  std::vector<std::string> warnings;
};

///     train_sidenets(model, {Dataset::open("photos/")}, {.taps = {"layer1", "layer2"}})
///         .model.save("with_exits.safetensors");
///
/// Trains SideNets on the frozen MainNet. MainNet runs once over the data; features are cached.
/// With options.head the head is fitted first, its labels are the data's class names, and it is
/// what the SideNets' soft targets come from. The result is the same to the bit for the same seed,
/// data and options. Throws Error where a tap does not exist, labels do not fit the head, or there
/// is none and none is asked for.
SIDENET_API TrainResult train_sidenets(const Model& model,
                                       const std::vector<std::shared_ptr<const Dataset>>& data,
                                       const TrainOptions& options,
                                       const ProgressCallback& progress = {});

}  // namespace sidenet
