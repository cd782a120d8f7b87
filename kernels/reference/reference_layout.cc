#include "reference_kernels.h"

namespace sidenet::kernels::reference {

// y[i, j, pad_before + c] = x[i * stride, j * stride, c]; zero elsewhere
void pad_shortcut(const float* x, int h, int w, int in_channels, int stride, int pad_before,
                  float* y, int out_channels) {
  const int out_h = (h + stride - 1) / stride;
  const int out_w = (w + stride - 1) / stride;
  for (int i = 0; i < out_h; ++i) {
    for (int j = 0; j < out_w; ++j) {
      for (int o = 0; o < out_channels; ++o) {
        const int c = o - pad_before;
        const std::size_t pixel = std::size_t(i) * stride * w + std::size_t(j) * stride;
        y[(std::size_t(i) * out_w + j) * out_channels + o] =
            c >= 0 && c < in_channels ? x[pixel * in_channels + c] : 0;
      }
    }
  }
}

// y[p, c] = x[c, p]
void chw_to_hwc(const float* x, int channels, int pixels, float* y) {
  for (int p = 0; p < pixels; ++p) {
    for (int c = 0; c < channels; ++c)
      y[std::size_t(p) * channels + c] = x[std::size_t(c) * pixels + p];
  }
}

// y[c, p] = x[p, c]
void hwc_to_chw(const float* x, int channels, int pixels, float* y) {
  for (int c = 0; c < channels; ++c) {
    for (int p = 0; p < pixels; ++p)
      y[std::size_t(c) * pixels + p] = x[std::size_t(p) * channels + c];
  }
}

}  // namespace sidenet::kernels::reference
