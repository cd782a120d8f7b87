#pragma once

#include "operation.h"

namespace sidenet::ops {

/// p = exp(x) / sum exp(x) over the features of a row.
class Softmax : public Operation {
 public:
  std::string kind() const override { return "softmax"; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  std::unique_ptr<Executable> prepare(std::span<const Shape> inputs,
                                      const PrepareOptions& options) const override;
};

}  // namespace sidenet::ops
