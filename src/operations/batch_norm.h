#pragma once

#include <vector>

#include "operation.h"

namespace sidenet::ops {

/// Batch normalisation at inference (arXiv 1502.03167): y = (x - mean) / sqrt(var + epsilon) *
/// gamma + beta, a channel at a time, kept as y = scale x + shift.
class BatchNorm : public Operation {
 public:
  /// Each tensor: (channels). Throws Error where sizes differ or a variance is negative.
  BatchNorm(const Tensor& gamma, const Tensor& beta, const Tensor& mean, const Tensor& variance,
            double epsilon = 1e-5);

  std::int64_t channels() const { return static_cast<std::int64_t>(scale_.size()); }
  const std::vector<float>& scale() const { return scale_; }
  const std::vector<float>& shift() const { return shift_; }
  bool has_relu() const { return relu_; }

  std::string kind() const override { return relu_ ? "batch_norm+relu" : "batch_norm"; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  std::int64_t multiply_adds(std::span<const Shape> inputs) const override {
    return element_count(inputs[0]);
  }
  std::int64_t parameters() const override { return 2 * channels(); }
  std::unique_ptr<Operation> fuse(const Operation& next, std::size_t operand) const override;
  std::optional<std::size_t> may_overwrite() const override { return 0; }
  std::unique_ptr<Executable> prepare(std::span<const Shape> inputs,
                                      const PrepareOptions& options) const override;

 private:
  std::vector<float> scale_, shift_;
  bool relu_ = false;
};

}  // namespace sidenet::ops
