#pragma once

#include "operation.h"

namespace sidenet::ops {

/// (C, H, W) to (C H W), in PyTorch's order: channel, then y, then x.
class Flatten : public Operation {
 public:
  std::string kind() const override { return "flatten"; }
  Shape output_shape(std::span<const Shape> inputs) const override {
    return {element_count(inputs[0])};
  }
  std::unique_ptr<Executable> prepare(std::span<const Shape> inputs,
                                      const PrepareOptions& options) const override;
};

}  // namespace sidenet::ops
