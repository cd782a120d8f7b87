#include "direct_conv2d.h"

#include <omp.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "parallel_ranges.h"
#include "sidenet/error.h"
#include "simd_targets.h"
#include "thread_scratch.h"
#include "weight_memory.h"

#ifndef SIDENET_DIRECT_ROW
#define SIDENET_DIRECT_ROW
namespace sidenet::kernels::cpu {
namespace {
constexpr int kMostKernel = 16;

// A row of outputs.
struct DirectRow {
  const float* rows[kMostKernel];  // the input rows under the kernel, from where its first column first lies
  int kernel_h;
  std::size_t run;     // inputs under a row of the kernel
  std::size_t stride;  // from one output's to the next one's
  int outputs;         // pixels
  std::size_t channels;
  const float *weight, *bias;
  Conv2dPost post;
  float* y;
};
}  // namespace
}  // namespace sidenet::kernels::cpu
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "direct_conv2d.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "gemm_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sidenet::kernels::cpu::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// A block is two vectors of outputs wide and as many pixels high as the registers hold.
constexpr int kVectors = 2;
#if HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM_A64
constexpr int kPixels = 14;
#elif HWY_TARGET <= HWY_AVX2
constexpr int kPixels = 6;
#else
constexpr int kPixels = 4;
#endif

// Pixels first … first + R - 1, V vectors of channels from `channel` on.
template <int R, int V>
void direct_tile(const DirectRow& p, std::size_t first, std::size_t channel, const float* weight) {
  const TileTag d;
  hn::Vec<TileTag> sum[R * V];
  for_each_index<R * V>([&](auto i) HWY_ATTR { sum[i] = hn::Zero(d); });
  const std::size_t stride = p.stride;
  for (int ky = 0; ky < p.kernel_h; ++ky) {
    const float* x = p.rows[ky] + first * stride;
    for (const float* end = x + p.run; x != end; ++x) {
      hn::Vec<TileTag> w[V];
      for_each_index<V>([&](auto v) HWY_ATTR { w[v] = hn::Load(d, weight + v * kLanes); });
      weight += V * kLanes;
      for_each_index<R>([&](auto r) HWY_ATTR {
        const auto value = hn::Set(d, x[r * stride]);
        for_each_index<V>([&](auto v) HWY_ATTR { sum[r * V + v] = hn::MulAdd(value, w[v], sum[r * V + v]); });
      });
    }
  }
  float* y = p.y + first * p.channels + channel;
  for_each_index<R * V>([&](auto i) HWY_ATTR {
    float* to = y + i / V * p.channels + i % V * kLanes;
    auto value = hn::Add(sum[i], hn::LoadU(d, p.bias + channel + i % V * kLanes));
    if (p.post.residual) value = hn::Add(value, hn::LoadU(d, to));
    if (p.post.relu) value = hn::IfThenZeroElse(hn::Lt(value, hn::Zero(d)), value);  // NaN stays
    hn::StoreU(value, d, to);
  });
}

using TileOfRow = void (*)(const DirectRow&, std::size_t, std::size_t, const float*);

template <int V, int... kIndex>
HWY_INLINE TileOfRow tile_of(std::size_t pixels, std::integer_sequence<int, kIndex...>) {
  static constexpr TileOfRow kTiles[] = {direct_tile<kIndex + 1, V>...};
  return kTiles[pixels - 1];
}

void direct_row(const DirectRow& p) {
  const std::size_t parts = (p.outputs + kPixels - 1) / kPixels, taps = p.kernel_h * p.run;
  const auto all = std::make_integer_sequence<int, kPixels>();
  for (std::size_t channel = 0; channel < p.channels;) {
    const std::size_t vectors = std::min<std::size_t>((p.channels - channel) / kLanes, kVectors);
    const float* weight = p.weight + taps * channel;
    for (std::size_t part = 0; part < parts; ++part) {
      const std::size_t first = p.outputs * part / parts, count = p.outputs * (part + 1) / parts - first;
      (vectors == 1 ? tile_of<1>(count, all) : tile_of<kVectors>(count, all))(p, first, channel, weight);
    }
    channel += vectors * kLanes;
  }
}

std::size_t block_width() { return kVectors * kLanes; }

}  // namespace
}  // namespace sidenet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sidenet::kernels::cpu {
namespace {
HWY_EXPORT(direct_row);
HWY_EXPORT(block_width);

class DirectConv2d : public Conv2dKernel {
 public:
  DirectConv2d(const Conv2dShape& s, const float* weight, const float* scale, const float* bias, const Conv2dPost& post)
      : s_(s),
        post_(post),
        row_pixels_(static_cast<std::size_t>(s.out_w - 1) * s.stride_w + s.kernel_w),
        padded_(s.pad_w > 0 || row_pixels_ > static_cast<std::size_t>(s.in_w)),
        bias_(s.out_channels) {
    const std::size_t inputs = s.in_channels, outputs = s.out_channels, taps = std::size_t(s.kernel_h) * s.kernel_w;
    const std::size_t threads = std::max({omp_get_max_threads(), omp_get_num_procs(), 1});
    slots_ = std::min<std::size_t>(threads, s.out_h);
    if (!padded_) zeros_.resize(row_floats());
    weight_floats_ = taps * inputs * outputs;
    packed_ = allocate_weights(weight_floats_);
    float* to = packed_.get();
    for (std::size_t first = 0, block = HWY_DYNAMIC_DISPATCH(block_width)(); first < outputs; first += block) {
      const std::size_t last = std::min(first + block, outputs);
      for (std::size_t tap = 0; tap < taps; ++tap) {
        for (std::size_t i = 0; i < inputs; ++i) {
          for (std::size_t o = first; o < last; ++o) {
            *to++ = weight[(o * inputs + i) * taps + tap] * (scale ? scale[o] : 1);
          }
        }
      }
    }
    if (bias) std::copy_n(bias, outputs, bias_.begin());
  }

  std::size_t scratch_bytes() const override { return padded_ ? slots_ * slot_floats() * sizeof(float) : 0; }
  std::size_t weight_bytes() const override { return (weight_floats_ + bias_.size()) * sizeof(float); }

  void run(const float* src, float* dst, std::byte* scratch, int threads, std::span<const std::byte>) const override {
    const std::size_t workers = std::clamp<std::size_t>(std::max(threads, 1), 1, slots_);
    for_each_range(workers, 1, static_cast<int>(workers), [=, this](std::size_t begin, std::size_t end) {
      for (std::size_t worker = begin; worker < end; ++worker) {
        work(src, dst, reinterpret_cast<float*>(scratch) + (padded_ ? worker * slot_floats() : 0),
             static_cast<int>(s_.out_h * worker / workers), static_cast<int>(s_.out_h * (worker + 1) / workers));
      }
    });
  }

 private:
  std::size_t row_floats() const { return row_pixels_ * s_.in_channels; }
  std::size_t slot_floats() const { return scratch_stride(row_floats() * s_.kernel_h); }

  // Rows of outputs begin … end - 1. `floats`: the last kernel_h input rows that were needed, with their padding.
  void work(const float* src, float* dst, float* floats, int begin, int end) const {
    DirectRow row{};
    row.kernel_h = s_.kernel_h;
    row.run = static_cast<std::size_t>(s_.kernel_w) * s_.in_channels;
    row.stride = static_cast<std::size_t>(s_.stride_w) * s_.in_channels;
    row.outputs = s_.out_w;
    row.channels = s_.out_channels;
    row.weight = packed_.get();
    row.bias = bias_.data();
    row.post = post_;
    const std::size_t in_row = static_cast<std::size_t>(s_.in_w) * s_.in_channels;
    int next = begin * s_.stride_h;  // row of the padded image that has not been copied
    for (int y = begin; y < end; ++y) {
      const int top = y * s_.stride_h;
      for (int ky = 0; ky < s_.kernel_h; ++ky) {
        const int at = top + ky, in_y = at - s_.pad_h;
        const float* from = in_y >= 0 && in_y < s_.in_h ? src + in_y * in_row : nullptr;
        if (!padded_) {
          row.rows[ky] = from ? from : zeros_.data();
          continue;
        }
        float* copy = floats + at % s_.kernel_h * row_floats();
        if (at >= next) copy_row(from, copy);
        row.rows[ky] = copy;
      }
      next = std::max(next, top + s_.kernel_h);
      row.y = dst + static_cast<std::size_t>(y) * s_.out_w * s_.out_channels;
      HWY_DYNAMIC_DISPATCH(direct_row)(row);
    }
  }

  // from: an input row, or null for one of padding.
  void copy_row(const float* from, float* to) const {
    const std::size_t channels = s_.in_channels, floats = row_floats();
    if (!from) {
      std::fill_n(to, floats, 0.0f);
      return;
    }
    const std::size_t left = std::min(s_.pad_w * channels, floats), inside = std::min(s_.in_w * channels, floats - left);
    std::fill_n(to, left, 0.0f);
    std::memcpy(to + left, from, inside * sizeof(float));
    std::fill_n(to + left + inside, floats - left - inside, 0.0f);
  }

  Conv2dShape s_;
  Conv2dPost post_;
  std::size_t row_pixels_;  // of an input row with its padding, as far as it is read
  bool padded_;
  std::size_t slots_ = 1;  // threads that can work side by side
  std::size_t weight_floats_ = 0;
  std::shared_ptr<float> packed_;  // for each block of outputs (kernel_h, kernel_w, in, outputs)
  std::vector<float> bias_, zeros_;
};

}  // namespace

bool direct_supports(const Conv2dShape& s) {
  const bool kernel = s.kernel_h >= 1 && s.kernel_w >= 1 && s.kernel_h <= kMostKernel && s.kernel_w <= kMostKernel;
  const bool plain = s.groups == 1 && s.dilation_h == 1 && s.dilation_w == 1 && s.stride_h >= 1 && s.stride_w >= 1;
  return kernel && plain && s.in_channels > 0 && s.out_channels > 0 && s.out_channels % 16 == 0 && s.in_h > 0 &&
         s.in_w > 0 && s.out_h > 0 && s.out_w > 0 && s.pad_h >= 0 && s.pad_w >= 0;
}

// On Zen 4 with cold weights and two threads (bench_conv) oneDNN's takes 1.2 to 2.1 times as long on the small layers of
// CIFAR's ResNets and 1.0 to 1.5 times on 1x1 ones of any size; on the others that are larger both are alike. Pixels that
// lie a multiple of 4 KiB apart share their places in the first-level cache: it takes 0.65 times as long there.
bool direct_suits(const Conv2dShape& s) {
  constexpr std::size_t kPageFloats = 1024, kSmall = 32 << 20;
  if (!direct_supports(s) || std::size_t(s.stride_w) * s.in_channels % kPageFloats == 0) return false;
  const std::size_t taps = std::size_t(s.kernel_h) * s.kernel_w;
  return taps == 1 || taps * s.in_channels * s.out_channels * s.out_h * s.out_w <= kSmall;
}

std::unique_ptr<Conv2dKernel> make_direct_conv2d(const Conv2dShape& shape, const float* weight, const float* scale,
                                                 const float* bias, const Conv2dPost& post) {
  if (!direct_supports(shape)) {
    throw Error(
        "direct convolution: expected one group, no dilation, output channels in sixteens and a kernel of at most " +
        std::to_string(kMostKernel) + "x" + std::to_string(kMostKernel) + ", got " + std::to_string(shape.groups) +
        " groups, dilation " + std::to_string(shape.dilation_h) + "x" + std::to_string(shape.dilation_w) + ", " +
        std::to_string(shape.out_channels) + " channels, " + std::to_string(shape.kernel_h) + "x" +
        std::to_string(shape.kernel_w));
  }
  return std::make_unique<DirectConv2d>(shape, weight, scale, bias, post);
}

}  // namespace sidenet::kernels::cpu
#endif
