#include "cpu_kernels.h"
#include "depthwise_conv2d.h"
#include "im2col_conv2d.h"

namespace sidenet::kernels::cpu {

std::unique_ptr<Conv2dKernel> make_conv2d(const Conv2dShape& shape, const float* weight, const float* bias,
                                          const Conv2dPost& post) {
  const bool depthwise = shape.groups > 1 && shape.in_channels == shape.groups && shape.out_channels == shape.groups;
  if (depthwise) return std::make_unique<DepthwiseConv2d>(shape, weight, bias, post);
  return std::make_unique<Im2colConv2d>(shape, weight, bias, post);
}

}  // namespace sidenet::kernels::cpu
