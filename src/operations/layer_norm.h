#pragma once

#include "operation.h"

namespace sidenet::ops {

/// y = (x - mean) / sqrt(variance + epsilon) * gamma + beta over the last extent (arXiv
/// 1607.06450).
class LayerNorm : public Operation {
 public:
  /// gamma, beta: (hidden). Throws Error where they disagree.
  LayerNorm(Tensor gamma, Tensor beta, float epsilon);
  std::string kind() const override { return "layer_norm"; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  std::int64_t parameters() const override { return gamma_.size() + beta_.size(); }
  std::optional<std::size_t> may_overwrite() const override { return 0; }
  bool is_by_entry() const override { return true; }
  std::unique_ptr<Executable> prepare(std::span<const Shape> inputs,
                                      const PrepareOptions& options) const override;

 private:
  Tensor gamma_, beta_;
  float epsilon_;
};

}  // namespace sidenet::ops
