#pragma once

#include "operation.h"

namespace sidenet::ops {

/// y = max(x, 0).
class Relu : public Operation {
 public:
  std::string kind() const override { return "relu"; }
  Shape output_shape(std::span<const Shape> inputs) const override { return inputs[0]; }
  std::optional<std::size_t> may_overwrite() const override { return 0; }
  std::unique_ptr<Executable> prepare(std::span<const Shape> inputs,
                                      const PrepareOptions& options) const override;
};

}  // namespace sidenet::ops
