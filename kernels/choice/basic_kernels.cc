#include "basic_kernels.h"

#include "cpu_activation.h"
#include "cpu_channels.h"
#include "cpu_elementwise.h"
#include "cpu_group_norm.h"
#include "cpu_layer_norm.h"
#include "cpu_layout.h"
#include "cpu_pooling.h"
#include "cpu_self_attention.h"
#include "cpu_softmax.h"
#include "cpu_token_mean.h"
#include "reference_kernels.h"

namespace sidenet::kernels {
namespace {

constexpr BasicKernels kVectorised{
    .name = "simd",
    .activate = cpu::activate,
    .add = cpu::add,
    .scale_shift = cpu::scale_shift,
    .sigmoid = cpu::sigmoid,
    .gate_channels = cpu::gate_channels,
    .channel_conv = cpu::channel_conv,
    .blur_pool = cpu::blur_pool,
    .softmax = cpu::softmax,
    .layer_norm = cpu::layer_norm,
    .group_norm_scratch_bytes = cpu::group_norm_scratch_bytes,
    .group_norm = cpu::group_norm,
    .max_pool = cpu::max_pool,
    .avg_pool = cpu::avg_pool,
    .adaptive_avg_pool = cpu::adaptive_avg_pool,
    .mean_tokens = cpu::mean_tokens,
    .pad_shortcut = cpu::pad_shortcut,
    .chw_to_hwc = cpu::chw_to_hwc,
    .hwc_to_chw = cpu::hwc_to_chw,
    .self_attention_scratch_bytes = cpu::self_attention_scratch_bytes,
    .self_attention = cpu::self_attention,
    .first_token_attention = cpu::first_token_attention,
};

constexpr BasicKernels kPlain{
    .name = "reference",
    .activate = [](Activation activation, const float* x, float* y, std::size_t count,
                   int) { reference::activate(activation, x, y, count); },
    .add = [](const float* a, const float* b, float* y, std::size_t count, bool relu,
              int) { reference::add(a, b, y, count, relu); },
    .scale_shift = [](const float* x, const float* scale, const float* shift, float* y,
                      std::size_t pixels, int channels, bool relu,
                      int) { reference::scale_shift(x, scale, shift, y, pixels, channels, relu); },
    .sigmoid = reference::sigmoid,
    .gate_channels =
        [](const float* x, const float* gates, const float* residual, float* y, std::size_t pixels,
           int channels, bool relu,
           int) { reference::gate_channels(x, gates, residual, y, pixels, channels, relu); },
    .channel_conv = reference::channel_conv,
    .blur_pool = [](const float* x, int h, int w, int channels, int stride, float* y,
                    int) { reference::blur_pool(x, h, w, channels, stride, y); },
    .softmax = reference::softmax,
    .layer_norm = [](const float* x, const float* gamma, const float* beta, float epsilon, float* y,
                     int rows, int hidden,
                     int) { reference::layer_norm(x, gamma, beta, epsilon, y, rows, hidden); },
    .group_norm_scratch_bytes = [](int) -> std::size_t { return 0; },
    .group_norm =
        [](const float* x, std::size_t pixels, int channels, int groups, const float* gamma,
           const float* beta, double epsilon, bool relu, float* y, std::byte*, int) {
          reference::group_norm(x, pixels, channels, groups, gamma, beta, epsilon, relu, y);
        },
    .max_pool = [](const Pool2dShape& shape, const float* x, float* y,
                   int) { reference::max_pool(shape, x, y); },
    .avg_pool = [](const Pool2dShape& shape, const float* x, float* y,
                   int) { reference::avg_pool(shape, x, y); },
    .adaptive_avg_pool =
        [](const float* x, int h, int w, int channels, float* y, int out_h, int out_w, int) {
          reference::adaptive_avg_pool(x, h, w, channels, y, out_h, out_w);
        },
    .mean_tokens = [](const float* x, const std::int64_t* offsets, int rows, int width, float* y,
                      int) { reference::mean_tokens(x, offsets, rows, width, y); },
    .pad_shortcut = reference::pad_shortcut,
    .chw_to_hwc = reference::chw_to_hwc,
    .hwc_to_chw = reference::hwc_to_chw,
    .self_attention_scratch_bytes = [](int, int, int, int) -> std::size_t { return 0; },
    .self_attention =
        [](const float* qkv, const std::int64_t* offsets, int rows, int heads, int head_dim,
           float scale, float* y, std::byte*,
           int) { reference::self_attention(qkv, offsets, rows, heads, head_dim, scale, y); },
    .first_token_attention =
        [](const float* q, const float* kv, const std::int64_t* offsets, int rows, int heads,
           int head_dim, float scale, float* y, std::byte*, int) {
          reference::first_token_attention(q, kv, offsets, rows, heads, head_dim, scale, y);
        },
};

}  // namespace

const BasicKernels& basic_kernels(Kernels kernels) {
  return kernels == Kernels::reference ? kPlain : kVectorised;
}

}  // namespace sidenet::kernels
