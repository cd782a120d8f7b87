#pragma once

#include <memory>

#include "conv2d_shape.h"
#include "cpu_caches.h"

// The direct sum, a row of outputs at a time, from input rows that are copied with their padding
// where they have some: no matrix of columns, and the inputs under a row of the kernel are one run
// of memory (channels-last).
namespace sidenet::kernels::cpu {

/// Whether make_direct_conv2d() takes the shape: one group, not dilated, output channels in
/// sixteens, kernels up to 16 x 16; any stride and padding.
bool direct_supports(const Conv2dShape& shape);
/// Whether it was measured to be as fast as oneDNN's or faster; by the shape and the caches, the
/// same on every run.
bool direct_suits(const Conv2dShape& shape, const CpuCaches& caches = cpu_caches());

/// weight: (out, in, kernel_h, kernel_w), times scale: (out) or null; bias: (out) or null. An
/// output is one chain of multiply-adds over the kernel's rows, columns and the inputs, in order.
/// Throws Error where direct_supports() says no, std::bad_alloc.
std::unique_ptr<Conv2dKernel> make_direct_conv2d(const Conv2dShape& shape, const float* weight,
                                                 const float* scale, const float* bias,
                                                 const Conv2dPost& post);

}  // namespace sidenet::kernels::cpu
