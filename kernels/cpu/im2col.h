#pragma once

#include <cstddef>
#include <vector>

#include "conv2d_shape.h"

// im2col: for each output pixel and group, the (kernel_h, kernel_w, in / groups) values under the
// kernel side by side, zeros outside the image. A convolution is a matrix product of these.
namespace sidenet::kernels::cpu {

/// Whether the image itself is its matrix of columns: 1x1, stride 1, no padding.
bool is_pointwise(const Conv2dShape& shape);

/// (out, in, taps) to (out, taps, in): the order in which a column lies.
std::vector<float> channels_last_weight(const float* weight, std::size_t outputs,
                                        std::size_t inputs, std::size_t taps);

/// columns: (pixels, kernel_h, kernel_w, in / groups) for output pixels first … first + pixels - 1.
/// Where the inputs under a row of the kernel are contiguous (one group, not dilated), they are
/// copied in one run.
void gather_columns(const Conv2dShape& shape, const float* src, int group, std::size_t first,
                    std::size_t pixels, float* columns);

}  // namespace sidenet::kernels::cpu
