#pragma once

#include <vector>

#include "operation.h"

namespace sidenet::ops {

/// A 1-d convolution along the channels of (C), zeros outside: efficient channel attention (arXiv
/// 1910.03151).
class ChannelConv : public Operation {
 public:
  /// weight: (1, 1, k), k odd. Throws Error for another.
  explicit ChannelConv(const Tensor& weight);
  std::string kind() const override { return "channel_conv"; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  std::int64_t multiply_adds(std::span<const Shape> inputs) const override;
  std::int64_t parameters() const override { return static_cast<std::int64_t>(weight_.size()); }
  std::unique_ptr<Executable> prepare(std::span<const Shape> inputs,
                                      const PrepareOptions& options) const override;

 private:
  std::vector<float> weight_;
};

}  // namespace sidenet::ops
