#include <algorithm>
#include <cstdint>
#include <limits>

#include "reference_kernels.h"

namespace sidenet::kernels::reference {

// y[i, j, c] = max over the window of x[i * stride - pad + ky, j * stride - pad + kx, c]
void max_pool(const Pool2dShape& s, const float* x, float* y) {
  for (int i = 0; i < s.out_h; ++i) {
    for (int j = 0; j < s.out_w; ++j) {
      for (int c = 0; c < s.channels; ++c) {
        float largest = -std::numeric_limits<float>::infinity();
        for (int ky = 0; ky < s.kernel_h; ++ky) {
          for (int kx = 0; kx < s.kernel_w; ++kx) {
            const int in_y = i * s.stride_h - s.pad_h + ky;
            const int in_x = j * s.stride_w - s.pad_w + kx;
            if (in_y < 0 || in_y >= s.in_h || in_x < 0 || in_x >= s.in_w) continue;
            largest = std::max(largest, x[(std::size_t(in_y) * s.in_w + in_x) * s.channels + c]);
          }
        }
        y[(std::size_t(i) * s.out_w + j) * s.channels + c] = largest;
      }
    }
  }
}

// y[i, j, c] = sum over the window of x[i * stride - pad + ky, j * stride - pad + kx, c] / cells
void avg_pool(const Pool2dShape& s, const float* x, float* y) {
  for (int i = 0; i < s.out_h; ++i) {
    for (int j = 0; j < s.out_w; ++j) {
      for (int c = 0; c < s.channels; ++c) {
        float sum = 0;
        int cells = 0;
        for (int ky = 0; ky < s.kernel_h; ++ky) {
          for (int kx = 0; kx < s.kernel_w; ++kx) {
            const int in_y = i * s.stride_h - s.pad_h + ky;
            const int in_x = j * s.stride_w - s.pad_w + kx;
            const bool inside = in_y >= 0 && in_y < s.in_h && in_x >= 0 && in_x < s.in_w;
            const bool padded = in_y < s.in_h + s.pad_h && in_x < s.in_w + s.pad_w;
            if (inside) sum += x[(std::size_t(in_y) * s.in_w + in_x) * s.channels + c];
            if (inside || (s.count_include_pad && padded)) ++cells;
          }
        }
        y[(std::size_t(i) * s.out_w + j) * s.channels + c] = cells > 0 ? sum / cells : 0;
      }
    }
  }
}

// y[i, j, c] = sum over ky, kx in -1 … 1 of x[i * stride + ky, j * stride + kx, c] (2 - |ky|)
// (2 - |kx|) / 16
void blur_pool(const float* x, int h, int w, int channels, int stride, float* y) {
  const auto mirrored = [](int at, int size) {
    return at < 0 ? -at : at >= size ? 2 * (size - 1) - at : at;
  };
  for (int i = 0; i < h; i += stride) {
    for (int j = 0; j < w; j += stride) {
      for (int c = 0; c < channels; ++c) {
        float sum = 0;
        for (int ky = -1; ky <= 1; ++ky) {
          for (int kx = -1; kx <= 1; ++kx) {
            const std::size_t pixel = std::size_t(mirrored(i + ky, h)) * w + mirrored(j + kx, w);
            sum += x[pixel * channels + c] * ((ky == 0 ? 2 : 1) * (kx == 0 ? 2 : 1));
          }
        }
        *y++ = sum / 16;
      }
    }
  }
}

// y[i, j, c] = mean of x over rows floor(i h / n) … ceil((i + 1) h / n) and columns likewise
void adaptive_avg_pool(const float* x, int h, int w, int channels, float* y, int out_h, int out_w) {
  const auto begin = [](std::int64_t i, int size, int cells) {
    return static_cast<int>(i * size / cells);
  };
  const auto end = [](std::int64_t i, int size, int cells) {
    return static_cast<int>(((i + 1) * size + cells - 1) / cells);
  };
  for (int i = 0; i < out_h; ++i) {
    for (int j = 0; j < out_w; ++j) {
      for (int c = 0; c < channels; ++c) {
        float sum = 0;
        int cells = 0;
        for (int in_y = begin(i, h, out_h); in_y < end(i, h, out_h); ++in_y) {
          for (int in_x = begin(j, w, out_w); in_x < end(j, w, out_w); ++in_x, ++cells) {
            sum += x[(std::size_t(in_y) * w + in_x) * channels + c];
          }
        }
        y[(std::size_t(i) * out_w + j) * channels + c] = sum / cells;
      }
    }
  }
}

}  // namespace sidenet::kernels::reference
