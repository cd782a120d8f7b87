#pragma once

#include <memory>

#include "conv2d_shape.h"

namespace sidenet::kernels::cpu {

/// Convolution by im2col and Eigen's matrix product (1x1 without im2col). weight: (out, in /
/// groups, kernel_h, kernel_w); bias: (out) or null. How pixels are tiled follows from the shape
/// alone, so an output's sum runs in one order.
std::unique_ptr<Conv2dKernel> make_eigen_conv2d(const Conv2dShape& shape, const float* weight,
                                                const float* bias, const Conv2dPost& post);

}  // namespace sidenet::kernels::cpu
