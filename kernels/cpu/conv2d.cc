#include <vector>

#include "cpu_kernels.h"
#include "depthwise_conv2d.h"
#include "im2col_conv2d.h"

namespace sidenet::kernels::cpu {

std::unique_ptr<Conv2dKernel> make_conv2d(const Conv2dShape& shape, const float* weight,
                                          const float* scale, const float* bias,
                                          const Conv2dPost& post) {
  std::vector<float> scaled;
  if (scale) {
    const std::size_t each =
        std::size_t(shape.in_channels / shape.groups) * shape.kernel_h * shape.kernel_w;
    scaled.assign(weight, weight + each * shape.out_channels);
    for (std::size_t i = 0; i < scaled.size(); ++i) scaled[i] *= scale[i / each];
    weight = scaled.data();
  }
  const bool depthwise =
      shape.groups > 1 && shape.in_channels == shape.groups && shape.out_channels == shape.groups;
  if (depthwise) return std::make_unique<DepthwiseConv2d>(shape, weight, bias, post);
  return std::make_unique<Im2colConv2d>(shape, weight, bias, post);
}

}  // namespace sidenet::kernels::cpu
