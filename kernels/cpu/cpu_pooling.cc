#include "cpu_pooling.h"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "parallel_ranges.h"
#include "simd_targets.h"

#ifndef SIDENET_POOLING_WINDOW
#define SIDENET_POOLING_WINDOW
namespace sidenet::kernels::cpu {
namespace {
// Pixels [y0, y1) x [x0, x1) of an image whose pixels hold `channels` values and whose rows
// `row_stride`.
struct Window {
  const float* image;
  std::size_t row_stride, channels;
  int y0, y1, x0, x1;
};
}  // namespace
}  // namespace sidenet::kernels::cpu
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu_pooling.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace sidenet::kernels::cpu::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using Wide = hn::ScalableTag<float>;
using One = hn::CappedTag<float, 1>;

struct Largest {
  static constexpr float kStart = -std::numeric_limits<float>::infinity();
  template <class V>
  HWY_INLINE V combine(V a, V b) const {
    return hn::Max(a, b);
  }
  template <class D, class V>
  HWY_INLINE V finish(D, V v) const {
    return v;
  }
};
struct Mean {
  static constexpr float kStart = 0;
  float cells;
  template <class V>
  HWY_INLINE V combine(V a, V b) const {
    return hn::Add(a, b);
  }
  template <class D, class V>
  HWY_INLINE V finish(D d, V v) const {
    return hn::Div(v, hn::Set(d, cells));
  }
};

// y[c] = the window's pixels combined in the order of rows and columns.
template <class D, class Pool>
HWY_INLINE void pool_lanes(D d, const Window& window, std::size_t begin, std::size_t end, Pool pool,
                           float* y) {
  for (std::size_t c = begin; c < end; c += hn::Lanes(d)) {
    auto value = hn::Set(d, Pool::kStart);
    for (int in_y = window.y0; in_y < window.y1; ++in_y) {
      const float* row = window.image + in_y * window.row_stride + c;
      for (int in_x = window.x0; in_x < window.x1; ++in_x) {
        value = pool.combine(value, hn::LoadU(d, row + in_x * window.channels));
      }
    }
    hn::StoreU(pool.finish(d, value), d, y + c);
  }
}

template <class Pool>
HWY_INLINE void pool_window(const Window& window, Pool pool, float* y) {
  const std::size_t whole = window.channels - window.channels % hn::Lanes(Wide());
  pool_lanes(Wide(), window, 0, whole, pool, y);
  pool_lanes(One(), window, whole, window.channels, pool, y);
}

void max_window(const Window& window, float* y) { pool_window(window, Largest(), y); }
void mean_window(const Window& window, int cells, float* y) {
  pool_window(window, Mean{static_cast<float>(cells)}, y);
}

}  // namespace
}  // namespace sidenet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sidenet::kernels::cpu {
namespace {
HWY_EXPORT(max_window);
HWY_EXPORT(mean_window);

// The part of pooling window i that lies inside the image, along one axis: [begin, end), and
// `padded` cells inside the padded image.
struct Span {
  int begin, end, padded;
};
Span window_span(int i, int size, int kernel, int stride, int pad) {
  const int first = i * stride - pad;
  return {std::max(first, 0), std::min(first + kernel, size),
          std::min(first + kernel, size + pad) - first};
}

// Calls body(y, x, output pixel) for each output pixel, shared over the threads; `work` is the
// elements read for one.
template <class Body>
void for_each_pixel(int out_h, int out_w, std::size_t work, int threads, const Body& body) {
  const std::size_t pixels = std::size_t(out_h) * out_w;
  for_each_range(pixels, kElementGrain / std::max<std::size_t>(work, 1) + 1, threads,
                 [&](std::size_t begin, std::size_t end) {
                   for (std::size_t p = begin; p < end; ++p)
                     body(static_cast<int>(p / out_w), static_cast<int>(p % out_w), p);
                 });
}
}  // namespace

void max_pool(const Pool2dShape& s, const float* x, float* y, int threads) {
  const std::size_t channels = s.channels, work = channels * s.kernel_h * s.kernel_w;
  for_each_pixel(s.out_h, s.out_w, work, threads, [&](int i, int j, std::size_t p) {
    const Span v = window_span(i, s.in_h, s.kernel_h, s.stride_h, s.pad_h);
    const Span h = window_span(j, s.in_w, s.kernel_w, s.stride_w, s.pad_w);
    HWY_DYNAMIC_DISPATCH(max_window)
    (Window{x, s.in_w * channels, channels, v.begin, v.end, h.begin, h.end}, y + p * channels);
  });
}

void avg_pool(const Pool2dShape& s, const float* x, float* y, int threads) {
  const std::size_t channels = s.channels, work = channels * s.kernel_h * s.kernel_w;
  for_each_pixel(s.out_h, s.out_w, work, threads, [&](int i, int j, std::size_t p) {
    const Span v = window_span(i, s.in_h, s.kernel_h, s.stride_h, s.pad_h);
    const Span h = window_span(j, s.in_w, s.kernel_w, s.stride_w, s.pad_w);
    const int inside = std::max(v.end - v.begin, 0) * std::max(h.end - h.begin, 0);
    const int cells = s.count_include_pad ? std::max(v.padded, 0) * std::max(h.padded, 0) : inside;
    HWY_DYNAMIC_DISPATCH(mean_window)
    (Window{x, s.in_w * channels, channels, v.begin, v.end, h.begin, h.end}, std::max(cells, 1),
     y + p * channels);
  });
}

void adaptive_avg_pool_cell(const float* x, int h, int w, int channels, int out_h, int out_w, int i,
                            int j, float* y) {
  const auto begin = [](std::int64_t cell, int size, int cells) {
    return static_cast<int>(cell * size / cells);
  };
  const auto end = [](std::int64_t cell, int size, int cells) {
    return static_cast<int>(((cell + 1) * size + cells - 1) / cells);
  };
  const std::size_t width = channels;
  const Window window{x,
                      w * width,
                      width,
                      begin(i, h, out_h),
                      end(i, h, out_h),
                      begin(j, w, out_w),
                      end(j, w, out_w)};
  HWY_DYNAMIC_DISPATCH(mean_window)(window, (window.y1 - window.y0) * (window.x1 - window.x0), y);
}

void adaptive_avg_pool(const float* x, int h, int w, int channels, float* y, int out_h, int out_w,
                       int threads) {
  if (out_h <= 0 || out_w <= 0) return;
  const std::size_t width = channels, work = width * (h / out_h + 1) * (w / out_w + 1);
  for_each_pixel(out_h, out_w, work, threads, [&](int i, int j, std::size_t p) {
    adaptive_avg_pool_cell(x, h, w, channels, out_h, out_w, i, j, y + p * width);
  });
}

}  // namespace sidenet::kernels::cpu
#endif
