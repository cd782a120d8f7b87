#include "direct_conv2d.h"

#include <omp.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "direct_strip.h"
#include "im2col.h"
#include "parallel_ranges.h"
#include "secret_digest.h"
#include "sidenet/error.h"
#include "thread_scratch.h"
#include "weight_memory.h"

namespace sidenet::kernels::cpu {
namespace {

constexpr std::size_t kMostLines = 64;  // of a strip
constexpr std::size_t kStripFloats =
    96 * 1024;  // inputs of a strip: they stay in the second-level cache
constexpr std::size_t kPageFloats = 4096 / sizeof(float);

// Every pixel by itself, and all one behind the other.
bool is_flat(const Conv2dShape& s) {
  return is_pointwise(s) && s.out_h == s.in_h && s.out_w == s.in_w;
}

// Pixels that lie a multiple of 4 KiB apart share their places in the first-level cache.
bool in_same_places(const Conv2dShape& s) {
  return std::size_t(s.stride_w) * s.in_channels % kPageFloats == 0;
}

class DirectConv2d : public Conv2dKernel {
 public:
  DirectConv2d(const Conv2dShape& s, const float* weight, const float* scale, const float* bias,
               const Conv2dPost& post)
      : s_(s),
        post_(post),
        row_pixels_(static_cast<std::size_t>(s.out_w - 1) * s.stride_w + s.kernel_w),
        flat_(is_flat(s)),
        padded_(s.pad_w > 0 || row_pixels_ > static_cast<std::size_t>(s.in_w)),
        lines_(flat_ ? 1 : s.out_h),
        outputs_(flat_ ? std::size_t(s.out_h) * s.out_w : s.out_w),
        taps_(std::size_t(s.kernel_h) * s.kernel_w * s.in_channels),
        bias_(s.out_channels) {
    const std::size_t inputs = s.in_channels, channels = s.out_channels;
    wide_ = (flat_ && in_same_places(s)) || 2 * outputs_ < pixels_of_direct_tile(false);
    block_ = width_of_direct_tile(wide_);
    lanes_ = width_of_direct_tile(false) / 2;
    blocks_ = (channels + block_ - 1) / block_;
    pixels_ = pixels_of_direct_tile(wide_);
    if (!padded_) zeros_.resize(row_floats());
    if (flat_) {
      strip_ = std::max<std::size_t>(kStripFloats / inputs / pixels_, 1) * pixels_;
    } else {
      const std::size_t room = kStripFloats / row_floats(), kernel = s.kernel_h,
                        stride = s.stride_h;
      strip_ =
          std::clamp<std::size_t>(room > kernel ? (room - kernel) / stride + 1 : 1, 1, kMostLines);
    }
    strip_ = std::min(strip_, flat_ ? outputs_ : lines_);
    slots_ = std::min(
        static_cast<std::size_t>(std::max({omp_get_max_threads(), omp_get_num_procs(), 1})),
        blocks_ * units());
    weight_floats_ = taps_ * channels;
    WeightMemory memory = cached_or_new_weights(weight_floats_, [&](SecretDigest& digest) {
      digest.add("direct").add(taps_).add(inputs).add(channels).add(block_);
      add_floats(digest, weight, weight_floats_);
      add_floats(digest, scale, channels);
    });
    packed_ = std::move(memory.data);
    if (!memory.filled) pack(weight, scale);
    if (bias) std::copy_n(bias, channels, bias_.begin());
  }

  const char* name() const override { return "direct"; }
  std::size_t scratch_bytes() const override {
    return padded_ ? slots_ * slot_floats() * sizeof(float) : 0;
  }
  std::size_t weight_bytes() const override {
    return (weight_floats_ + bias_.size()) * sizeof(float);
  }

  void run(const float* src, float* dst, std::byte* scratch, int threads,
           std::span<const std::byte> coming) const override {
    const Parts parts = part(std::clamp<std::size_t>(std::max(threads, 1), 1, slots_));
    const std::size_t workers = parts.units * parts.blocks;
    for_each_range(
        workers, 1, static_cast<int>(workers), [=, this](std::size_t begin, std::size_t end) {
          for (std::size_t worker = begin; worker < end; ++worker) {
            float* floats =
                reinterpret_cast<float*>(scratch) + (padded_ ? worker * slot_floats() : 0);
            const Range fetched = share(coming.size(), worker, workers);
            work(src, dst, floats, share(units(), worker % parts.units, parts.units),
                 share(blocks_, worker / parts.units, parts.blocks),
                 coming.subspan(fetched.first, fetched.second - fetched.first));
          }
        });
  }

 private:
  struct Parts {
    std::size_t units, blocks;
  };

  /// What pixels are parted by: rows of outputs, or tiles of a flat layer.
  std::size_t units() const { return flat_ ? (outputs_ + pixels_ - 1) / pixels_ : lines_; }
  std::size_t row_floats() const { return row_pixels_ * s_.in_channels; }
  std::size_t slot_floats() const {
    return scratch_stride(((strip_ - 1) * s_.stride_h + s_.kernel_h) * row_floats());
  }

  void pack(const float* weight, const float* scale) {
    const std::size_t inputs = s_.in_channels, channels = s_.out_channels, taps = taps_ / inputs;
    float* to = packed_.get();
    for (std::size_t first = 0; first < channels; first += block_) {
      const std::size_t last = std::min(first + block_, channels);
      for (std::size_t tap = 0; tap < taps; ++tap) {
        for (std::size_t i = 0; i < inputs; ++i) {
          for (std::size_t o = first; o < last; ++o) {
            *to++ = weight[(o * inputs + i) * taps + tap] * (scale ? scale[o] : 1);
          }
        }
      }
    }
  }

  // Threads share pixels or channels out among them, whatever has a thread read less: all weights
  // and its share of the pixels, or its share of the weights and pixels that in part another core
  // has in its cache.
  Parts part(std::size_t threads) const {
    const double pixels = double(outputs_) * lines_, weights = double(weight_floats_);
    const double activations = pixels * (double(s_.in_channels) + s_.out_channels);
    constexpr double kFar = 4, kFloatsACycle = 2, kProductsACycle = 32;
    const auto largest = [](std::size_t count, std::size_t parts) {
      return double((count + parts - 1) / parts);
    };
    Parts best{1, 1};
    double least = 0;
    for (std::size_t b = 1; b <= std::min(threads, blocks_); ++b) {
      const std::size_t u = std::min(threads / b, units());
      const double busiest = largest(units(), u) / units() * largest(blocks_, b) / blocks_;
      const double read = weights / b + (b > 1 ? kFar : 1) * activations / u;
      const double cost = pixels * weights / kProductsACycle * busiest + read / kFloatsACycle;
      if (b == 1 || cost < least) {
        least = cost;
        best = {u, b};
      }
    }
    return best;
  }

  void work(const float* src, float* dst, float* floats, const Range& units, const Range& blocks,
            std::span<const std::byte> coming) const {
    const auto pixel = [&](std::size_t unit) { return std::min(unit * pixels_, outputs_); };
    const std::size_t begin = flat_ ? pixel(units.first) : units.first,
                      end = flat_ ? pixel(units.second) : units.second;
    const std::size_t strips = (end - begin + strip_ - 1) / strip_;
    const std::size_t channels =
        std::min<std::size_t>(blocks.second * block_, s_.out_channels) - blocks.first * block_;
    const std::size_t tiles =
        ((flat_ ? end - begin : outputs_) + pixels_ - 1) / pixels_ * (flat_ ? 1 : end - begin);
    DirectFetch fetch{};
    fetch.from = reinterpret_cast<const char*>(
        coming.empty() ? static_cast<const void*>(bias_.data()) : coming.data());
    const std::size_t inputs = tiles * ((channels + block_ - 1) / block_) * taps_;
    fetch.step = std::min<std::size_t>((coming.size() + inputs - 1) / inputs, 64);
    for (std::size_t i = 0; i < strips; ++i) {
      const Range strip = share(end - begin, i, strips);
      run_strip(src, dst, floats, begin + strip.first, begin + strip.second, blocks, fetch);
    }
  }

  // Rows (flat: pixels) begin … end - 1. `floats`: their input rows with their padding.
  void run_strip(const float* src, float* dst, float* floats, std::size_t begin, std::size_t end,
                 const Range& blocks, DirectFetch& fetch) const {
    const std::size_t channels = s_.out_channels, kernel = s_.kernel_h;
    const float* rows[kMostLines * kMostKernel];
    DirectStrip strip{};
    strip.rows = rows;
    strip.lines = flat_ ? 1 : end - begin;
    strip.kernel_h = kernel;
    strip.run = static_cast<std::size_t>(s_.kernel_w) * s_.in_channels;
    strip.stride = static_cast<std::size_t>(s_.stride_w) * s_.in_channels;
    strip.outputs = flat_ ? end - begin : outputs_;
    strip.channels = channels;
    strip.post = post_;
    if (flat_) {
      rows[0] = src + begin * s_.in_channels;
    } else {
      find_rows(src, floats, begin, end, rows);
    }
    const std::size_t outputs_end = std::min(blocks.second * block_, channels);
    strip.weight_end = packed_.get() + taps_ * outputs_end;
    float* y = dst + begin * (flat_ ? 1 : outputs_) * channels;
    for (std::size_t first = blocks.first * block_; first < outputs_end; first += block_) {
      strip.vectors = std::min(block_, channels - first) / lanes_;
      strip.weight = packed_.get() + taps_ * first;
      strip.bias = bias_.data() + first;
      strip.y = y + first;
      compute_direct_strip(strip, fetch);
    }
  }

  // rows: (end - begin, kernel_h). Rows that need padding beside them are copied.
  void find_rows(const float* src, float* floats, std::size_t begin, std::size_t end,
                 const float** rows) const {
    const std::size_t kernel = s_.kernel_h,
                      in_row = static_cast<std::size_t>(s_.in_w) * s_.in_channels;
    std::size_t next = begin * s_.stride_h;  // row of the padded image that has not been copied
    for (std::size_t y = begin; y < end; ++y) {
      for (std::size_t ky = 0; ky < kernel; ++ky) {
        const std::size_t at = y * s_.stride_h + ky;
        const std::ptrdiff_t in_y = static_cast<std::ptrdiff_t>(at) - s_.pad_h;
        const float* from = in_y >= 0 && in_y < s_.in_h ? src + in_y * in_row : nullptr;
        const float*& row = rows[(y - begin) * kernel + ky];
        if (!padded_) {
          row = from ? from : zeros_.data();
          continue;
        }
        float* copy = floats + (at - begin * s_.stride_h) * row_floats();
        if (at >= next) copy_row(from, copy);
        row = copy;
      }
      next = std::max(next, y * s_.stride_h + kernel);
    }
  }

  // from: an input row, or null for one of padding.
  void copy_row(const float* from, float* to) const {
    const std::size_t channels = s_.in_channels, floats = row_floats();
    if (!from) {
      std::fill_n(to, floats, 0.0f);
      return;
    }
    const std::size_t left = std::min(s_.pad_w * channels, floats),
                      inside = std::min(s_.in_w * channels, floats - left);
    std::fill_n(to, left, 0.0f);
    std::memcpy(to + left, from, inside * sizeof(float));
    std::fill_n(to + left + inside, floats - left - inside, 0.0f);
  }

  Conv2dShape s_;
  Conv2dPost post_;
  std::size_t row_pixels_;  // of an input row with its padding, as far as it is read
  bool flat_;               // pixels are independent: the image is one line
  bool padded_;
  std::size_t lines_, outputs_;  // of the image, pixels of one
  std::size_t taps_;             // weights of an output channel
  bool wide_ = false;
  std::size_t lanes_ = 1, block_ = 1, blocks_ = 1,
              pixels_ = 1;  // of a vector, channels of a block, pixels of a tile
  std::size_t strip_ = 1;   // lines, or pixels, at most
  std::size_t slots_ = 1;   // threads that can work side by side
  std::size_t weight_floats_ = 0;
  std::shared_ptr<float> packed_;  // for each block of outputs (kernel_h, kernel_w, in, outputs)
  std::vector<float> bias_, zeros_;
};

}  // namespace

bool direct_supports(const Conv2dShape& s) {
  const bool kernel =
      s.kernel_h >= 1 && s.kernel_w >= 1 && s.kernel_h <= kMostKernel && s.kernel_w <= kMostKernel;
  const bool plain =
      s.groups == 1 && s.dilation_h == 1 && s.dilation_w == 1 && s.stride_h >= 1 && s.stride_w >= 1;
  return kernel && plain && s.in_channels > 0 && s.out_channels > 0 && s.out_channels % 16 == 0 &&
         s.in_h > 0 && s.in_w > 0 && s.out_h > 0 && s.out_w > 0 && s.pad_h >= 0 && s.pad_w >= 0;
}

// Measured with cold weights and two threads (bench_conv), oneDNN's time over this: on Granite
// Rapids 0.95 to 1.1 on layers of 14 x 14 and more, 1.1 to 1.4 on 7 x 7 ones, 1.1 to 3 on those of
// CIFAR's ResNets. Where more pixels of a tile than the first-level cache has ways lie in the same
// places (Zen 4: 8, a tile has 14) oneDNN's takes 0.65 times as long.
bool direct_suits(const Conv2dShape& s, const CpuCaches& caches) {
  return direct_supports(s) && (is_flat(s) || !in_same_places(s) || caches.first_level_ways >= 12);
}

std::unique_ptr<Conv2dKernel> make_direct_conv2d(const Conv2dShape& shape, const float* weight,
                                                 const float* scale, const float* bias,
                                                 const Conv2dPost& post) {
  if (!direct_supports(shape)) {
    throw Error(
        "direct convolution: expected one group, no dilation, output channels in sixteens and a "
        "kernel of at most " +
        std::to_string(kMostKernel) + "x" + std::to_string(kMostKernel) + ", got " +
        std::to_string(shape.groups) + " groups, dilation " + std::to_string(shape.dilation_h) +
        "x" + std::to_string(shape.dilation_w) + ", " + std::to_string(shape.out_channels) +
        " channels, " + std::to_string(shape.kernel_h) + "x" + std::to_string(shape.kernel_w));
  }
  return std::make_unique<DirectConv2d>(shape, weight, scale, bias, post);
}

}  // namespace sidenet::kernels::cpu
