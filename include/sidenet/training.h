#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "sidenet/dataset.h"
#include "sidenet/execution.h"
#include "sidenet/model.h"

namespace sidenet {

/// Told of what goes on, for a progress bar. `stage` is "features" or "train NAME"; done and total
/// in rows or epochs. `note` is a few words ("loss 0.31, held-out 91.2 %"), or empty. Throwing from
/// it stops the work; what is cached stays.
struct Progress {
  std::string stage;
  std::int64_t done = 0, total = 0;
  std::string note;
};
using ProgressCallback = std::function<void(const Progress&)>;

struct TrainOptions {
  std::vector<std::string> taps;  ///< where to attach; an exit takes its tap's name
  bool head = false;  ///< fit `final` too, on the last tap: for an encoder that came without a head
  int hidden = 256;   ///< width of the hidden layer
  int pool = 2;       ///< images: spatial taps are averaged to pool x pool first
  std::string token_pool = "cls+mean";  ///< texts: "cls", "mean" or both, one behind the other
  int epochs = 30;                      ///< at most; early stopping may end sooner
  int patience = 6;                     ///< epochs without a better held-out loss before stopping
  int batch_rows = 256;
  double learning_rate = 1e-3;
  double weight_decay = 1e-2;  ///< AdamW (arXiv 1711.05101)
  double dropout = 0.2;        ///< on the hidden layer
  double input_dropout = 0.0;  ///< on the standardised features
  double soft_targets = 0.5;   ///< weight of MainNet's own probabilities in the target (arXiv
                               ///< 1503.02531); 0: labels only
  /// The first layer's weights are kept in this type: "bf16" or "f32". It is computed in float32
  /// either way; what a row alone waits for is the bytes. They are rounded after training, before
  /// anything is measured; a head's (`head`) stay float32.
  std::string weights = "bf16";
  double holdout = 0.1;  ///< share of the rows kept out to stop early
  double threshold =
      0.9;  ///< the exits' default, kept in the model: a guess until chosen on rows kept apart
  bool flip = false;  ///< also train on mirrored images
  std::uint64_t seed = 1;
  /// The batch is MainNet's. Features are computed with Winograd's convolutions, whatever it says:
  /// one cache serves all.
  Execution execution = {};
  /// Where tapped features are kept; a run that stopped goes on from there. Rows are compared by
  /// every byte first. Not a link. Empty: a new one that is gone at the end.
  std::string cache_dir;
  bool keep_cache = false;  ///< else removed after success
};

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
};

/// Trains SideNets on the frozen MainNet. MainNet runs once over the data; features are cached.
/// With options.head the head is fitted first, its labels are the data's class names, and it is
/// what the SideNets' soft targets come from. The result is the same to the bit for the same seed,
/// data and options. Throws Error where a tap does not exist, labels do not fit the head, or there
/// is none and none is asked for.
TrainResult train_sidenets(const Model& model,
                           const std::vector<std::shared_ptr<const Dataset>>& data,
                           const TrainOptions& options, const ProgressCallback& progress = {});

}  // namespace sidenet
