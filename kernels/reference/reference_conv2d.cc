#include "reference_kernels.h"

namespace sidenet::kernels::reference {

// dst[y, x, o] = bias[o] + sum_{i, ky, kx} weight[o, i, ky, kx] * src[y * stride - pad + ky *
// dilation, …, i] where i runs over the input channels of o's group.
void conv2d(const Conv2dShape& s, const float* src, const float* weight, const float* bias,
            const Conv2dPost& post, float* dst) {
  const int group_in = s.in_channels / s.groups;
  const int group_out = s.out_channels / s.groups;
  for (int y = 0; y < s.out_h; ++y) {
    for (int x = 0; x < s.out_w; ++x) {
      for (int o = 0; o < s.out_channels; ++o) {
        const int first_in = o / group_out * group_in;
        double sum = bias ? bias[o] : 0.0;
        for (int i = 0; i < group_in; ++i) {
          for (int ky = 0; ky < s.kernel_h; ++ky) {
            for (int kx = 0; kx < s.kernel_w; ++kx) {
              const int in_y = y * s.stride_h - s.pad_h + ky * s.dilation_h;
              const int in_x = x * s.stride_w - s.pad_w + kx * s.dilation_w;
              if (in_y < 0 || in_y >= s.in_h || in_x < 0 || in_x >= s.in_w) continue;
              const std::size_t tap =
                  ((std::size_t(o) * group_in + i) * s.kernel_h + ky) * s.kernel_w + kx;
              const std::size_t pixel = std::size_t(in_y) * s.in_w + in_x;
              sum += double(weight[tap]) * src[pixel * s.in_channels + first_in + i];
            }
          }
        }
        float& out = dst[(std::size_t(y) * s.out_w + x) * s.out_channels + o];
        if (post.residual) sum += out;
        out = static_cast<float>(post.relu && sum < 0 ? 0.0 : sum);
      }
    }
  }
}

}  // namespace sidenet::kernels::reference
