#pragma once

#include <memory>

#include "conv2d_shape.h"

namespace sidenet::kernels::onednn {

/// A convolution by oneDNN, channels-last on both sides, weights reordered once to what the
/// primitive prefers. weight: (out, in/groups, kh, kw), times scale: (out) or null, on the way;
/// bias: (out) or null. The primitive is built for one row: a row's sums run in one order wherever
/// it is computed. Null where oneDNN has no implementation, or this build no oneDNN. Throws Error.
std::unique_ptr<Conv2dKernel> make_conv2d(const Conv2dShape& shape, const float* weight,
                                          const float* scale, const float* bias,
                                          const Conv2dPost& post);

}  // namespace sidenet::kernels::onednn
