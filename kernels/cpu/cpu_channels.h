#pragma once

namespace sidenet::kernels::cpu {

/// y[c] = sum_k weight[k] x[c + k - kernel / 2], zeros outside. x, y: (channels).
void channel_conv(const float* x, int channels, const float* weight, int kernel, float* y);
/// Every stride-th pixel of x, (h, w, channels), blurred by (1, 2, 1) / 4 along both axes; pixels
/// outside are mirrored. h and w: 2 or more.
void blur_pool(const float* x, int h, int w, int channels, int stride, float* y, int threads);

}  // namespace sidenet::kernels::cpu
