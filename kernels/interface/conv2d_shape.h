#pragma once

#include <cstddef>
#include <memory>
#include <span>

namespace sidenet::kernels {

/// One 2-d convolution of one row. Activations are channels-last: (height, width, channels).
struct Conv2dShape {
  int in_channels = 0, out_channels = 0, groups = 1;
  int in_h = 0, in_w = 0, out_h = 0, out_w = 0;
  int kernel_h = 1, kernel_w = 1;
  int stride_h = 1, stride_w = 1;
  int pad_h = 0, pad_w = 0;
  int dilation_h = 1, dilation_w = 1;  ///< 1: dense
};

/// What happens to the result before it is stored: dst = relu?(conv + bias + (residual ? dst : 0)).
struct Conv2dPost {
  bool residual = false;
  bool relu = false;
};

/// A convolution with its weights, ready to run. Immutable: many threads may run one at once, each
/// with its own scratch.
class Conv2dKernel {
 public:
  virtual ~Conv2dKernel() = default;
  /// What it is called in a profile.
  virtual const char* name() const = 0;
  virtual std::size_t scratch_bytes() const = 0;
  virtual std::size_t weight_bytes() const = 0;
  /// Whether run() takes its threads from OpenMP itself, not from Team.
  virtual bool has_own_threads() const { return false; }
  /// src: (in_h, in_w, in_channels); dst: (out_h, out_w, out_channels); scratch: 64-byte aligned.
  /// `threads` as many as it may use; the result is the same to the bit for any number.
  void run(const float* src, float* dst, std::byte* scratch, int threads) const {
    run(src, dst, scratch, threads, {});
  }
  /// coming: what will be read next, an even share by each thread; a kernel may fetch it into the
  /// caches meanwhile.
  virtual void run(const float* src, float* dst, std::byte* scratch, int threads,
                   std::span<const std::byte> coming) const = 0;
};

}  // namespace sidenet::kernels
