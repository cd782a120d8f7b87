#include "cpu_layout.h"

#include <algorithm>

namespace sidenet::kernels::cpu {
namespace {

// y (columns, rows) = transpose of x (rows, columns), in squares that stay in the first-level
// cache.
void transpose(const float* x, std::size_t rows, std::size_t columns, float* y) {
  constexpr std::size_t kSquare = 32;
  for (std::size_t i0 = 0; i0 < rows; i0 += kSquare) {
    const std::size_t i1 = std::min(i0 + kSquare, rows);
    for (std::size_t j0 = 0; j0 < columns; j0 += kSquare) {
      const std::size_t j1 = std::min(j0 + kSquare, columns);
      for (std::size_t j = j0; j < j1; ++j) {
        for (std::size_t i = i0; i < i1; ++i) y[j * rows + i] = x[i * columns + j];
      }
    }
  }
}

}  // namespace

void pad_shortcut(const float* x, int h, int w, int in_channels, int stride, int pad_before,
                  float* y, int out_channels) {
  const std::size_t before = pad_before, copied = in_channels,
                    after = out_channels - pad_before - in_channels;
  for (int i = 0; i < h; i += stride) {
    for (int j = 0; j < w; j += stride) {
      y = std::fill_n(y, before, 0.0f);
      y = std::copy_n(x + (std::size_t(i) * w + j) * copied, copied, y);
      y = std::fill_n(y, after, 0.0f);
    }
  }
}

void chw_to_hwc(const float* x, int channels, int pixels, float* y) {
  transpose(x, channels, pixels, y);
}

void hwc_to_chw(const float* x, int channels, int pixels, float* y) {
  transpose(x, pixels, channels, y);
}

}  // namespace sidenet::kernels::cpu
