#pragma once

#include "operation.h"

namespace sidenet::ops {

/// Every stride-th pixel, blurred by a binomial filter of 3x3 with mirrored borders (arXiv
/// 1904.11486): (C, H, W) to (C, ceil(H / stride), ceil(W / stride)).
class BlurPool : public Operation {
 public:
  explicit BlurPool(int stride) : stride_(stride) {}
  std::string kind() const override { return "blur_pool"; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  std::int64_t multiply_adds(std::span<const Shape> inputs) const override;
  std::unique_ptr<Executable> prepare(std::span<const Shape> inputs,
                                      const PrepareOptions& options) const override;

 private:
  int stride_;
};

}  // namespace sidenet::ops
