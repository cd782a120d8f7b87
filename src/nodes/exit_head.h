#pragma once

#include "operation.h"

namespace sidenet::nodes {

/// The weights of a SideNet.
struct SideNetTensors {
  Tensor mean, std;             ///< (features) of the training rows
  Tensor fc1_weight, fc1_bias;  ///< (hidden, features), (hidden)
  Tensor fc2_weight, fc2_bias;  ///< (classes, hidden), (classes)
};

/// What an exit computes: a tap to logits, by a SideNet (arXiv 2007.13512, section 3): average to pool x pool, standardise,
/// linear, ReLU, linear. The standardisation is folded into the first linear layer. Softmax, temperature and the
/// decision belong to the runtime.
class ExitHead : public Operation {
 public:
  /// Throws Error where the tensors disagree.
  ExitHead(SideNetTensors tensors, int pool);
  std::string kind() const override { return "exit"; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  std::int64_t multiply_adds(std::span<const Shape> inputs) const override;
  std::int64_t parameters() const override;
  std::unique_ptr<Executable> prepare(std::span<const Shape> inputs) const override;

 private:
  SideNetTensors tensors_;
  int pool_;
};

/// The grid that an exit with this `pool` really uses on a tap: a tap smaller than the grid gives what it has.
int effective_pool(const Shape& tap, int pool);

/// A tap's pooled features as a SideNet sees them, before standardisation: (C, H, W) to (C p p), in (channel, y, x) order.
class TapFeatures : public Operation {
 public:
  explicit TapFeatures(int pool) : pool_(pool) {}
  std::string kind() const override { return "tap_features"; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  std::unique_ptr<Executable> prepare(std::span<const Shape> inputs) const override;

 private:
  int pool_;
};

}  // namespace sidenet::nodes
