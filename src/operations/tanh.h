#pragma once

#include "operation.h"

namespace sidenet::ops {

/// y = tanh(x).
class Tanh : public Operation {
 public:
  std::string kind() const override { return "tanh"; }
  Shape output_shape(std::span<const Shape> inputs) const override { return inputs[0]; }
  std::optional<std::size_t> may_overwrite() const override { return 0; }
  std::unique_ptr<Executable> prepare(std::span<const Shape> inputs,
                                      const PrepareOptions& options) const override;
};

}  // namespace sidenet::ops
