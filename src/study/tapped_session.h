#pragma once

#include <memory>
#include <string>
#include <vector>

#include "exit_head.h"
#include "sidenet/batch.h"
#include "sidenet/model.h"

namespace sidenet {

/// The frozen MainNet with its features laid open at some taps: what SideNets are trained on. Exits
/// do not run.
class TappedSession {
 public:
  struct Output {
    std::vector<Tensor> features;  ///< one a tap: (rows, channels * pool * pool), in (channel, y,
                                   ///< x) order; see TapFeatures
    Tensor logits;                 ///< of MainNet: (rows, classes); without a head empty
  };

  /// Throws Error where a tap does not exist. A tap smaller than the grid, or a vector, is pooled
  /// to what it has: pools() tells.
  TappedSession(const Model& model, const std::vector<std::string>& taps,
                const ops::ExitPooling& pooling, int threads);
  ~TappedSession();

  /// Preprocessed images, or tokens.
  Output run(const Batch& batch);
  /// For each tap, the grid used for inputs of the model's input_shape(); 1 for texts.
  const std::vector<int>& pools() const;
  /// For each tap, the number of features for inputs of the model's input_shape().
  const std::vector<int>& feature_counts() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sidenet
