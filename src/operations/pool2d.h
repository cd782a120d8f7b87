#pragma once

#include "operation.h"
#include "pool2d_shape.h"

namespace sidenet::ops {

/// Max or average pooling, (C, H, W) to (C, H', W'). The output size is rounded down, or, in
/// ceil_mode, up: a last window may reach beyond the image, and its average is of what lies inside,
/// as PyTorch's without count_include_pad.
class Pool2d : public Operation {
 public:
  enum class Kind { max, average };
  Pool2d(Kind kind, int kernel, int stride, int padding, bool ceil_mode = false)
      : kind_(kind), kernel_(kernel), stride_(stride), padding_(padding), ceil_mode_(ceil_mode) {}
  std::string kind() const override { return kind_ == Kind::max ? "max_pool" : "avg_pool"; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  std::unique_ptr<Executable> prepare(std::span<const Shape> inputs,
                                      const PrepareOptions& options) const override;

 private:
  Kind kind_;
  int kernel_, stride_, padding_;
  bool ceil_mode_;
};

/// The largest value of each channel, (C, H, W) to (C, 1, 1).
class GlobalMaxPool2d : public Operation {
 public:
  std::string kind() const override { return "global_max_pool"; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  std::unique_ptr<Executable> prepare(std::span<const Shape> inputs,
                                      const PrepareOptions& options) const override;
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
