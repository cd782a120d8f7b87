#pragma once

#include "operation.h"
#include "token_pool.h"

namespace sidenet::ops {

/// The weights of a SideNet.
struct SideNetTensors {
  Tensor mean, std;             ///< (features) of the training rows
  Tensor fc1_weight, fc1_bias;  ///< (hidden, features), (hidden)
  Tensor fc2_weight, fc2_bias;  ///< (classes, hidden), (classes)
};

/// How a tap becomes features: an image's is averaged to grid x grid, a text's tokens as `tokens`
/// says.
struct ExitPooling {
  int grid = 1;
  TokenPooling tokens = TokenPooling::cls_mean;
};

/// What an exit computes: a tap to logits, by a SideNet (arXiv 2007.13512, section 3): pool,
/// standardise, linear, ReLU, linear. Softmax, temperature and the decision belong to the runtime.
class ExitHead : public Operation {
 public:
  /// Throws Error where the tensors disagree.
  ExitHead(SideNetTensors tensors, ExitPooling pooling);
  const ExitPooling& pooling() const { return pooling_; }
  std::string kind() const override { return "exit"; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  std::int64_t multiply_adds(std::span<const Shape> inputs) const override;
  std::int64_t parameters() const override;
  std::unique_ptr<Executable> prepare(std::span<const Shape> inputs,
                                      const PrepareOptions& options) const override;

 private:
  SideNetTensors tensors_;
  ExitPooling pooling_;
};

/// The grid that an exit with this `pool` really uses on a tap: a tap smaller than the grid gives
/// what it has.
int effective_pool(const Shape& tap, int pool);

/// A tap's pooled features as a SideNet sees them, before standardisation: (C, H, W) to (C p p), in
/// (channel, y, x) order; (kTokens, hidden) to (hidden), or (2 hidden) where the mean stands behind
/// [CLS].
class TapFeatures : public Operation {
 public:
  explicit TapFeatures(ExitPooling pooling) : pooling_(pooling) {}
  const ExitPooling& pooling() const { return pooling_; }
  std::string kind() const override { return "tap_features"; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  std::unique_ptr<Executable> prepare(std::span<const Shape> inputs,
                                      const PrepareOptions& options) const override;

 private:
  ExitPooling pooling_;
};

}  // namespace sidenet::ops
