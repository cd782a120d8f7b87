#pragma once

#include <memory>
#include <span>

#include "activation.h"
#include "conv2d_shape.h"
#include "linear_kernel.h"

// The plain twins of kernels/reference with their weights, on one thread whatever they are given.
namespace sidenet::kernels {

std::unique_ptr<Conv2dKernel> make_reference_conv2d(const Conv2dShape& shape, const float* weight,
                                                    const float* bias, const Conv2dPost& post);
std::unique_ptr<LinearKernel> make_reference_linear(int in_features,
                                                    std::span<const LinearWeights> parts,
                                                    Activation activation);

}  // namespace sidenet::kernels
