#pragma once

#include "operation.h"

namespace sidenet::ops {

/// The parameter-free shortcut of the CIFAR ResNets (arXiv 1512.03385, section 3.3, option A):
/// every stride-th pixel, and zero channels, `before` of them in front (half of them, as a rule).
class PadShortcut : public Operation {
 public:
  PadShortcut(int out_channels, int stride, int before)
      : out_channels_(out_channels), stride_(stride), before_(before) {}
  std::string kind() const override { return "pad_shortcut"; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  std::unique_ptr<Executable> prepare(std::span<const Shape> inputs,
                                      const PrepareOptions& options) const override;

 private:
  int out_channels_, stride_, before_;
};

}  // namespace sidenet::ops
