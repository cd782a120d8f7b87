#include "cpu_channels.h"

#include <algorithm>

#include "parallel_ranges.h"

namespace sidenet::kernels::cpu {
namespace {

int mirrored(int at, int size) { return at < 0 ? -at : at >= size ? 2 * (size - 1) - at : at; }

}  // namespace

void channel_conv(const float* x, int channels, const float* weight, int kernel, float* y) {
  for (int c = 0; c < channels; ++c) {
    const int first = std::max(c - kernel / 2, 0), last = std::min(c + kernel / 2, channels - 1);
    float sum = 0;
    for (int from = first; from <= last; ++from) sum += weight[from - c + kernel / 2] * x[from];
    y[c] = sum;
  }
}

void blur_pool(const float* x, int h, int w, int channels, int stride, float* y, int threads) {
  const std::size_t width = static_cast<std::size_t>(channels), row = width * w;
  const std::size_t out_h = (h + stride - 1) / stride, out_w = (w + stride - 1) / stride;
  for_each_range(out_h, kElementGrain / (row + 1) + 1, threads,
                 [&](std::size_t begin, std::size_t end) {
                   for (std::size_t i = begin; i < end; ++i) {
                     const int at = static_cast<int>(i) * stride;
                     const float* middle = x + at * row;
                     const float* above = x + mirrored(at - 1, h) * row;
                     const float* below = x + mirrored(at + 1, h) * row;
                     for (std::size_t j = 0; j < out_w; ++j) {
                       const int column = static_cast<int>(j) * stride;
                       const std::size_t l = mirrored(column - 1, w) * width, m = column * width,
                                         r = mirrored(column + 1, w) * width;
                       float* out = y + (i * out_w + j) * width;
                       for (std::size_t c = 0; c < width; ++c) {
                         const float left = above[l + c] + 2 * middle[l + c] + below[l + c];
                         const float centre = above[m + c] + 2 * middle[m + c] + below[m + c];
                         const float right = above[r + c] + 2 * middle[r + c] + below[r + c];
                         out[c] = (left + 2 * centre + right) / 16;
                       }
                     }
                   }
                 });
}

}  // namespace sidenet::kernels::cpu
