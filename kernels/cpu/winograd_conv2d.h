#pragma once

#include <memory>

#include "conv2d_shape.h"
#include "cpu_caches.h"

// Winograd's minimal filtering (arXiv 1509.09308) for 3x3 convolutions with stride 1, dilation 1
// and one group: the image is cut into tiles of m x m outputs; each tile of (m + 2) x (m + 2)
// inputs is transformed, multiplied with the transformed weights at every one of its (m + 2)^2
// "frequencies" (a matrix product over the channels), and transformed back. Per output that is 2.25
// (m = 2) or 4 (m = 4) times fewer multiply-adds than the direct sum.
//
// NaN and infinity come out wherever the direct sum would have them, and may reach the rest of
// their tile too.
namespace sidenet::kernels::cpu {

/// How a shape is computed. The bits of the result depend on `tile` and `plain_weights` only.
struct WinogradPlan {
  int tile;   ///< m: 2 or 4
  int panel;  ///< tiles that are worked on together, so that what is between the steps stays in the
              ///< caches
  bool split_outputs;  ///< threads part the output channels first, or else the panels first
  bool plain_weights;  ///< transformed on every run, a few at a time: 4 (m = 2: 1.8) times fewer
                       ///< bytes are read
};

/// Whether make_winograd_conv2d() takes the shape: 3x3, stride 1, dilation 1, one group; any
/// channels, sizes and padding.
bool winograd_supports(const Conv2dShape& shape);
/// Whether it was measured to be faster than the direct sums; by the shape and the caches, the same
/// on every run.
bool winograd_suits(const Conv2dShape& shape, const CpuCaches& caches = cpu_caches());
/// The fastest plan measured, by the shape and the caches.
WinogradPlan winograd_plan(const Conv2dShape& shape, const CpuCaches& caches = cpu_caches());

/// weight: (out, in, 3, 3), times scale: (out) or null; bias: (out) or null. Throws Error where
/// winograd_supports() says no or the plan is not valid, std::bad_alloc.
std::unique_ptr<Conv2dKernel> make_winograd_conv2d(const Conv2dShape& shape, const float* weight,
                                                   const float* scale, const float* bias,
                                                   const Conv2dPost& post);
std::unique_ptr<Conv2dKernel> make_winograd_conv2d(const Conv2dShape& shape, const float* weight,
                                                   const float* scale, const float* bias,
                                                   const Conv2dPost& post,
                                                   const WinogradPlan& plan);

}  // namespace sidenet::kernels::cpu
