#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "conv2d_shape.h"
#include "pool2d_shape.h"

// Vectorised kernels (Highway, instruction set chosen at run time). Activations are channels-last,
// float32; a row is (h, w, c) or (features). `threads` is how many the kernel may use; results
// never depend on it, nor on `rows`. kernels/reference has the plain form of each, and the tests
// compare the two.
namespace sidenet::kernels::cpu {

struct PackedWeight;

/// y = relu?(x W^T + b). Weights are packed once: blocks of outputs, input-major, so that a row's
/// sums run over the inputs in order whatever the number of rows. Weights that are bfloat16
/// numbers, all of them, are kept in two bytes each: where there is one row, reading them is what
/// takes the time. The sums are the same to the bit.
class PackedLinear {
 public:
  /// weight: (out_features, in_features) row-major; bias: (out_features) or null.
  PackedLinear(int in_features, int out_features, const float* weight, const float* bias);
  int in_features() const { return in_features_; }
  int out_features() const { return out_features_; }
  std::size_t weight_bytes() const;
  /// As they are kept.
  std::span<const std::byte> weights() const;
  /// x: (rows, in_features); y: (rows, out_features).
  void run(const float* x, int rows, float* y, bool relu, int threads) const;

 private:
  friend class PooledLinear;
  PackedWeight weight() const;

  int in_features_, out_features_;
  bool halves_;
  std::shared_ptr<float> packed_;  // as PackedWeight has it
  std::vector<float> bias_;
};

/// An image that is averaged to pool x pool cells, as adaptive_avg_pool() does.
struct PoolGrid {
  int h, w, channels, pool;
  std::size_t features() const { return std::size_t(pool) * pool * channels; }
};

/// y = relu((p - mean) * scale W^T + b) with p = adaptive average of the image: what a SideNet does
/// first. The threads meet once between the two: with one row both halves take but some
/// microseconds.
class PooledLinear {
 public:
  /// mean, scale: (pool, pool, channels), as linear's inputs.
  PooledLinear(const PoolGrid& grid, std::vector<float> mean, std::vector<float> scale,
               PackedLinear linear);
  const PackedLinear& linear() const { return linear_; }
  /// x: (rows, h, w, channels); features: (rows, grid.features()), scratch; y: (rows,
  /// linear().out_features()).
  void run(const float* x, int rows, float* features, float* y, int threads) const;
  /// From features that are pooled already: (rows, grid.features()), standardised in place.
  void run_pooled(float* features, int rows, float* y, int threads) const;

 private:
  void standardise(float* features, std::size_t cell) const;
  // Cells begin … end - 1 of all rows, standardised.
  void pool(const float* x, std::size_t begin, std::size_t end, float* features) const;

  PoolGrid grid_;
  std::vector<float> mean_, scale_;
  PackedLinear linear_;
};

/// y = max(x, 0). In place where x == y.
void relu(const float* x, float* y, std::size_t count, int threads);
/// y = relu?(a + b). y may be a or b.
void add(const float* a, const float* b, float* y, std::size_t count, bool relu, int threads);
/// y = relu?(x * scale[c] + shift[c]); x: (pixels, channels).
void scale_shift(const float* x, const float* scale, const float* shift, float* y,
                 std::size_t pixels, int channels, bool relu, int threads);
/// p = exp(x - max x) / sum; x: (rows, classes).
void softmax(const float* x, float* p, int rows, int classes);
/// One row each; padding never wins.
void max_pool(const Pool2dShape& shape, const float* x, float* y, int threads);
void avg_pool(const Pool2dShape& shape, const float* x, float* y, int threads);
/// PyTorch's adaptive average: cell i of n covers floor(i h / n) … ceil((i + 1) h / n). x: (h, w,
/// channels); y: (out_h, out_w, channels).
void adaptive_avg_pool(const float* x, int h, int w, int channels, float* y, int out_h, int out_w,
                       int threads);
/// The one cell (i, j) of it; y: (channels).
void adaptive_avg_pool_cell(const float* x, int h, int w, int channels, int out_h, int out_w, int i,
                            int j, float* y);
/// Option-A shortcut (arXiv 1512.03385, section 3.3): every stride-th pixel, `pad_before` zero
/// channels in front and zeros behind. x: (h, w, in_channels); y: (ceil(h/stride), ceil(w/stride),
/// out_channels).
void pad_shortcut(const float* x, int h, int w, int in_channels, int stride, int pad_before,
                  float* y, int out_channels);
/// (channels, pixels) to (pixels, channels) and back.
void chw_to_hwc(const float* x, int channels, int pixels, float* y);
void hwc_to_chw(const float* x, int channels, int pixels, float* y);

/// Convolution by im2col and gemm (1x1 without im2col), for builds without oneDNN. weight: (out,
/// in/groups, kh, kw), times scale: (out) or null; bias: (out) or null.
std::unique_ptr<Conv2dKernel> make_conv2d(const Conv2dShape& shape, const float* weight,
                                          const float* scale, const float* bias,
                                          const Conv2dPost& post);

}  // namespace sidenet::kernels::cpu
