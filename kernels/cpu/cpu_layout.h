#pragma once

namespace sidenet::kernels::cpu {

/// Option-A shortcut (arXiv 1512.03385, section 3.3): every stride-th pixel, `pad_before` zero
/// channels in front and zeros behind. x: (h, w, in_channels); y: (ceil(h/stride), ceil(w/stride),
/// out_channels).
void pad_shortcut(const float* x, int h, int w, int in_channels, int stride, int pad_before,
                  float* y, int out_channels);
/// (channels, pixels) to (pixels, channels) and back.
void chw_to_hwc(const float* x, int channels, int pixels, float* y);
void hwc_to_chw(const float* x, int channels, int pixels, float* y);

}  // namespace sidenet::kernels::cpu
