#pragma once

#include <memory>

#include "conv2d_shape.h"
#include "sidenet/kernels.h"

namespace sidenet::kernels {

struct Conv2dProblem {
  Conv2dShape shape;
  const float* weight = nullptr;  ///< (out, in / groups, kernel_h, kernel_w)
  const float* scale = nullptr;   ///< (out), which the weights are multiplied by, or null
  const float* bias = nullptr;    ///< (out) or null
  Conv2dPost post;
};

/// The kernel for a convolution. It depends on the shape and the sizes of the caches, never on a
/// timing: the same on every run of one machine. winograd: off: `automatic` and `own` take the
/// direct sum alone. Throws Error, std::bad_alloc.
std::unique_ptr<Conv2dKernel> choose_conv2d(const Conv2dProblem& problem, Kernels kernels,
                                            bool winograd);

}  // namespace sidenet::kernels
