#pragma once

#include <cstddef>
#include <cstdint>

#include "activation.h"
#include "pool2d_shape.h"
#include "sidenet/kernels.h"

namespace sidenet::kernels {

/// The kernels of which there are two: a vectorised one (kernels/cpu) and its plain twin
/// (kernels/reference), which runs on one thread. Arguments are as the headers named behind them
/// have them.
struct BasicKernels {
  const char* name;  ///< in a profile
  // cpu_activation.h, cpu_elementwise.h
  void (*activate)(Activation activation, const float* x, float* y, std::size_t count, int threads);
  void (*add)(const float* a, const float* b, float* y, std::size_t count, bool relu, int threads);
  void (*scale_shift)(const float* x, const float* scale, const float* shift, float* y,
                      std::size_t pixels, int channels, bool relu, int threads);
  void (*sigmoid)(const float* x, float* gates, int channels);
  void (*gate_channels)(const float* x, const float* gates, const float* residual, float* y,
                        std::size_t pixels, int channels, bool relu, int threads);
  // cpu_channels.h
  void (*channel_conv)(const float* x, int channels, const float* weight, int kernel, float* y);
  void (*blur_pool)(const float* x, int h, int w, int channels, int stride, float* y, int threads);
  // cpu_softmax.h, cpu_layer_norm.h
  void (*softmax)(const float* x, float* p, int rows, int classes);
  void (*layer_norm)(const float* x, const float* gamma, const float* beta, float epsilon, float* y,
                     int rows, int hidden, int threads);
  // cpu_group_norm.h
  std::size_t (*group_norm_scratch_bytes)(int channels);
  void (*group_norm)(const float* x, std::size_t pixels, int channels, int groups,
                     const float* gamma, const float* beta, double epsilon, bool relu, float* y,
                     std::byte* scratch, int threads);
  // cpu_pooling.h, cpu_token_mean.h
  void (*max_pool)(const Pool2dShape& shape, const float* x, float* y, int threads);
  void (*avg_pool)(const Pool2dShape& shape, const float* x, float* y, int threads);
  void (*adaptive_avg_pool)(const float* x, int h, int w, int channels, float* y, int out_h,
                            int out_w, int threads);
  void (*mean_tokens)(const float* x, const std::int64_t* offsets, int rows, int width, float* y,
                      int threads);
  // cpu_layout.h
  void (*pad_shortcut)(const float* x, int h, int w, int in_channels, int stride, int pad_before,
                       float* y, int out_channels);
  void (*chw_to_hwc)(const float* x, int channels, int pixels, float* y);
  void (*hwc_to_chw)(const float* x, int channels, int pixels, float* y);
  // cpu_self_attention.h
  std::size_t (*self_attention_scratch_bytes)(int longest_row, int heads, int head_dim,
                                              int threads);
  void (*self_attention)(const float* qkv, const std::int64_t* offsets, int rows, int heads,
                         int head_dim, float scale, float* y, std::byte* scratch, int threads);
  void (*first_token_attention)(const float* q, const float* kv, const std::int64_t* offsets,
                                int rows, int heads, int head_dim, float scale, float* y,
                                std::byte* scratch, int threads);
};

/// The plain twins for `reference`, else the vectorised ones.
const BasicKernels& basic_kernels(Kernels kernels);

}  // namespace sidenet::kernels
