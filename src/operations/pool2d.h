#pragma once

#include "operation.h"
#include "pool2d_shape.h"

namespace sidenet::ops {

/// Max or average pooling, (C, H, W) to (C, H', W'), output size rounded down.
class Pool2d : public Operation {
 public:
  enum class Kind { max, average };
  Pool2d(Kind kind, int kernel, int stride, int padding)
      : kind_(kind), kernel_(kernel), stride_(stride), padding_(padding) {}
  std::string kind() const override { return kind_ == Kind::max ? "max_pool" : "avg_pool"; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  std::unique_ptr<Executable> prepare(std::span<const Shape> inputs,
                                      const PrepareOptions& options) const override;

 private:
  Kind kind_;
  int kernel_, stride_, padding_;
};

/// Average over a grid of size x size cells, as PyTorch's AdaptiveAvgPool2d: (C, H, W) to (C, size,
/// size). Size 1 is global average pooling.
class AdaptiveAvgPool2d : public Operation {
 public:
  explicit AdaptiveAvgPool2d(int size) : size_(size) {}
  std::string kind() const override { return size_ == 1 ? "global_avg_pool" : "adaptive_avg_pool"; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  std::unique_ptr<Executable> prepare(std::span<const Shape> inputs,
                                      const PrepareOptions& options) const override;

 private:
  int size_;
};

}  // namespace sidenet::ops
