#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "sidenet.h"
#include "sidenet/tensor.h"
#include "sidenet/train_options.h"

namespace sidenet {

/// What a SideNet learns from. Rows are read in place, so a mapped file is never copied as a whole.
struct TrainingRows {
  Tensor features;                     ///< (rows, features)
  Tensor mainnet_logits;               ///< (rows, classes)
  std::vector<int> labels;             ///< (rows), each below classes
  std::vector<std::int64_t> training;  ///< rows to learn from
  std::vector<std::int64_t> holdout;   ///< rows to stop early on; empty: all epochs are run
};

struct TrainedSideNet {
  ops::SideNet sidenet;         ///< of the best epoch; fc1_weight as options.weights says
  int best_epoch = 0;           ///< from 1
  double holdout_loss = 0;      ///< of the training objective; NaN without held-out rows
  double holdout_accuracy = 0;  ///< in 0 … 1; NaN without held-out rows
};

/// Told after each epoch: epoch (from 1), mean training loss, held-out loss and accuracy (NaN
/// without held-out rows).
using EpochCallback =
    std::function<void(int epoch, double loss, double holdout_loss, double holdout_accuracy)>;

/// Throws Error where an option is out of its range, naming the option.
void check_options(const TrainOptions& options);

/// Minimises the cross-entropy against (1 - a) onehot(label) + a softmax(mainnet_logits), a =
/// options.soft_targets (Hinton et al., arXiv 1503.02531, at temperature 1), by AdamW over shuffled
/// minibatches, with a short warm-up and a cosine schedule; keeps the weights of the epoch with the
/// least held-out loss. The same to the bit for the same seed and rows, whatever the threads.
/// Throws Error on shapes or labels that disagree, features that are not finite, and a loss that
/// diverges; `name` is the exit's, for messages.
TrainedSideNet train_sidenet(const std::string& name, const TrainingRows& rows,
                             const TrainOptions& options, const EpochCallback& progress = {});

}  // namespace sidenet
