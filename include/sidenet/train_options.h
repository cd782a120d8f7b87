#pragma once

// Library: libsidenet-study (pkg-config sidenet-study, CMake sidenet::study).

#include <cstdint>
#include <string>
#include <vector>

#include "sidenet/enum_names.h"
#include "sidenet/execution.h"
#include "sidenet/token_pooling.h"

namespace sidenet {

/// How a SideNet keeps its first layer's weights. They are multiplied in float32 either way.
enum class WeightType {
  bf16,  ///< bfloat16: half the bytes that a single row waits for
  f32
};
template <>
inline constexpr EnumName<WeightType> kEnumNames<WeightType>[] = {{WeightType::bf16, "bf16"},
                                                                  {WeightType::f32, "f32"}};

/// What train_sidenets() makes, and how.
struct TrainOptions {
  std::vector<std::string> taps = {};  ///< where to attach; an exit takes its tap's name
  bool head = false;  ///< fit `final` too, on the last tap: for an encoder that came without a head
  int hidden = 256;   ///< width of the hidden layer
  int pool = 2;       ///< images: spatial taps are averaged to pool x pool first
  TokenPooling token_pool = TokenPooling::cls_mean;  ///< texts
  int epochs = 30;                                   ///< at most; early stopping may end sooner
  int patience = 6;  ///< epochs without a better held-out loss before stopping
  int batch_rows = 256;
  double learning_rate = 1e-3;
  double weight_decay = 1e-2;  ///< AdamW (arXiv 1711.05101)
  double dropout = 0.2;        ///< on the hidden layer
  double input_dropout = 0.0;  ///< on the standardised features
  double soft_targets = 0.5;   ///< weight of MainNet's own probabilities in the target (arXiv
                               ///< 1503.02531); 0: labels only
  /// They are rounded after training, before anything is measured; a head's (`head`) stay float32.
  WeightType weights = WeightType::bf16;
  double holdout = 0.1;  ///< share of the rows kept out to stop early
  /// The exits' default, kept in the model: a guess until chosen on rows kept apart.
  double threshold = 0.9;
  bool flip = false;  ///< also train on mirrored images
  std::uint64_t seed = 1;
  /// The batch is MainNet's. Features are computed by the automatic kernels and with Winograd's
  /// convolutions, whatever it says: one cache serves all.
  Execution execution = {};
  /// Where tapped features are kept; a run that stopped goes on from there. Rows are compared by
  /// every byte first. Not a link. Empty: a new one that is gone at the end.
  std::string cache_dir = {};
  bool keep_cache = false;  ///< else removed after success
};

}  // namespace sidenet
