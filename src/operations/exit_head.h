#pragma once

#include "operation.h"
#include "sidenet.h"

namespace sidenet::ops {

/// What an exit computes: a tap to logits, by its SideNet. Softmax, temperature and the decision
/// belong to the runtime.
class ExitHead : public Operation {
 public:
  /// Throws Error where the tensors disagree.
  explicit ExitHead(SideNet sidenet);
  const SideNet& sidenet() const { return sidenet_; }
  const ExitPooling& pooling() const { return sidenet_.pooling; }
  std::string kind() const override { return "exit"; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  std::int64_t multiply_adds(std::span<const Shape> inputs) const override;
  std::int64_t parameters() const override;
  std::unique_ptr<Executable> prepare(std::span<const Shape> inputs,
                                      const PrepareOptions& options) const override;

 private:
  SideNet sidenet_;
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
