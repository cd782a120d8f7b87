#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sidenet/model.h"

namespace sidenet {

/// The frozen MainNet with its features laid open at some taps: what SideNets are trained on. Exits do not run.
class TappedSession {
 public:
  struct Output {
    std::vector<Tensor> features;  ///< one a tap: (rows, channels * pool * pool), in (channel, y, x) order
    Tensor logits;                 ///< of MainNet: (rows, classes)
  };

  /// Throws Error where a tap does not exist. A tap smaller than pool x pool, or a vector, is pooled to what it has:
  /// pools() tells.
  TappedSession(const Model& model, const std::vector<std::string>& taps, int pool, int threads);
  ~TappedSession();

  /// inputs: (rows, C, H, W) float32, preprocessed.
  Output run(const Tensor& inputs);
  /// For each tap, the pool used for inputs of the model's input_shape().
  const std::vector<int>& pools() const;
  /// For each tap, the number of features for inputs of the model's input_shape().
  const std::vector<int>& feature_counts() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sidenet
