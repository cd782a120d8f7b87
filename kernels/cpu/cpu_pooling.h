#pragma once

#include "pool2d_shape.h"

namespace sidenet::kernels::cpu {

/// One row each; padding never wins.
void max_pool(const Pool2dShape& shape, const float* x, float* y, int threads);
void avg_pool(const Pool2dShape& shape, const float* x, float* y, int threads);
/// PyTorch's adaptive average: cell i of n covers floor(i h / n) … ceil((i + 1) h / n). x: (h, w,
/// channels); y: (out_h, out_w, channels).
void adaptive_avg_pool(const float* x, int h, int w, int channels, float* y, int out_h, int out_w,
                       int threads);
/// The one cell (i, j) of it; y: (channels).
void adaptive_avg_pool_cell(const float* x, int h, int w, int channels, int out_h, int out_w, int i,
                            int j, float* y);

}  // namespace sidenet::kernels::cpu
