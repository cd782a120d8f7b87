#include "im2col.h"

#include <algorithm>
#include <cstring>

namespace sidenet::kernels::cpu {
namespace {

// Copies; runs of a few channels are common, and too short for a call of memcpy.
float* append(const float* from, std::size_t count, float* to) {
  if (count >= 64) return std::copy_n(from, count, to);
  for (; count >= 4; count -= 4, from += 4, to += 4) std::memcpy(to, from, 4 * sizeof(float));
  for (; count > 0; --count) *to++ = *from++;
  return to;
}

}  // namespace

bool is_pointwise(const Conv2dShape& s) {
  return s.kernel_h == 1 && s.kernel_w == 1 && s.stride_h == 1 && s.stride_w == 1 && s.pad_h == 0 &&
         s.pad_w == 0;
}

std::vector<float> channels_last_weight(const float* weight, std::size_t outputs,
                                        std::size_t inputs, std::size_t taps) {
  std::vector<float> result(outputs * inputs * taps);
  for (std::size_t o = 0; o < outputs; ++o) {
    for (std::size_t i = 0; i < inputs; ++i) {
      for (std::size_t t = 0; t < taps; ++t)
        result[(o * taps + t) * inputs + i] = weight[(o * inputs + i) * taps + t];
    }
  }
  return result;
}

void gather_columns(const Conv2dShape& s, const float* src, int group, std::size_t first,
                    std::size_t pixels, float* columns) {
  const std::size_t group_in = s.in_channels / s.groups;
  const bool contiguous = s.groups == 1 && s.dilation_w == 1;
  const int run = contiguous ? s.kernel_w : 1, runs = contiguous ? 1 : s.kernel_w;
  const std::size_t row_stride = std::size_t(s.in_w) * s.in_channels;
  src += group * group_in;
  for (std::size_t p = first; p < first + pixels; ++p) {
    const int y = static_cast<int>(p / s.out_w) * s.stride_h - s.pad_h;
    const int x = static_cast<int>(p % s.out_w) * s.stride_w - s.pad_w;
    for (int ky = 0; ky < s.kernel_h; ++ky) {
      const int in_y = y + ky * s.dilation_h;
      const bool inside = in_y >= 0 && in_y < s.in_h;
      for (int k = 0; k < runs; ++k) {
        const int in_x = x + k * s.dilation_w;
        const int begin = inside ? std::min(std::max(in_x, 0), in_x + run) : in_x;
        const int end = inside ? std::max(std::min(in_x + run, s.in_w), begin) : in_x;
        if (begin > in_x) columns = std::fill_n(columns, (begin - in_x) * group_in, 0.0f);
        if (end > begin) {
          columns = append(src + in_y * row_stride + std::size_t(begin) * s.in_channels,
                           (end - begin) * group_in, columns);
        }
        if (end < in_x + run) columns = std::fill_n(columns, (in_x + run - end) * group_in, 0.0f);
      }
    }
  }
}

}  // namespace sidenet::kernels::cpu
