#include "onednn_conv2d.h"

#include <cstring>
#include <string>
#include <unordered_map>
#include <vector>

#include "large_buffer.h"
#include "onednn_engine.h"
#include "sidenet/error.h"
#include "threads.h"

namespace sidenet::kernels::onednn {
namespace {

using dnnl::memory;

dnnl::convolution_forward::primitive_desc describe(const Conv2dShape& s, bool with_bias,
                                                   const Conv2dPost& post) {
  using tag = memory::format_tag;
  constexpr auto f32 = memory::data_type::f32;
  const memory::desc source({1, s.in_channels, s.in_h, s.in_w}, f32, tag::nhwc);
  const memory::desc target({1, s.out_channels, s.out_h, s.out_w}, f32, tag::nhwc);
  const memory::dims weight_dims =
      s.groups == 1 ? memory::dims{s.out_channels, s.in_channels, s.kernel_h, s.kernel_w}
                    : memory::dims{s.groups, s.out_channels / s.groups, s.in_channels / s.groups,
                                   s.kernel_h, s.kernel_w};
  const memory::desc weight(weight_dims, f32, tag::any);
  const memory::desc bias =
      with_bias ? memory::desc({s.out_channels}, f32, tag::x) : memory::desc();
  const memory::dims stride{s.stride_h, s.stride_w}, dilation{s.dilation_h - 1, s.dilation_w - 1};
  const memory::dims pad_before{s.pad_h, s.pad_w};
  // oneDNN wants the padding behind to give exactly out_h x out_w.
  const auto behind = [](int out, int stride_, int kernel, int dilation_, int in, int before) {
    return static_cast<memory::dim>((out - 1) * stride_ + (kernel - 1) * dilation_ + 1 - in -
                                    before);
  };
  const memory::dims pad_behind{
      behind(s.out_h, s.stride_h, s.kernel_h, s.dilation_h, s.in_h, s.pad_h),
      behind(s.out_w, s.stride_w, s.kernel_w, s.dilation_w, s.in_w, s.pad_w)};
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  dnnl::post_ops post_ops;
  if (post.residual) post_ops.append_sum(1.0f);
  constexpr auto direct = dnnl::algorithm::convolution_direct;
  constexpr auto inference = dnnl::prop_kind::forward_inference;
#if DNNL_VERSION_MAJOR >= 3
  if (post.relu) post_ops.append_eltwise(dnnl::algorithm::eltwise_relu, 0.0f, 0.0f);
  attributes.set_post_ops(post_ops);
  return {engine(), inference, direct,   source,     weight,     bias,
          target,   stride,    dilation, pad_before, pad_behind, attributes};
#else
  if (post.relu) post_ops.append_eltwise(1.0f, dnnl::algorithm::eltwise_relu, 0.0f, 0.0f);
  attributes.set_post_ops(post_ops);
  const dnnl::convolution_forward::desc desc(inference, direct, source, weight, bias, target,
                                             stride, dilation, pad_before, pad_behind);
  return {desc, attributes, engine()};
#endif
}

// `to` = `from`, where there are scales each output channel times its own.
void reorder_scaled(memory& from, memory& to, const Conv2dShape& shape, const float* scale) {
  dnnl::primitive_attr attributes;
  if (scale == nullptr) {
    dnnl::reorder(from, to, attributes).execute(stream(), from, to);
    return;
  }
  const int output_dims = shape.groups == 1 ? 1 : 3;
#if DNNL_VERSION_MAJOR >= 3
  attributes.set_scales_mask(DNNL_ARG_SRC, output_dims);
  memory scales({{shape.out_channels}, memory::data_type::f32, memory::format_tag::x}, engine(),
                const_cast<float*>(scale));
  dnnl::reorder(from, to, attributes)
      .execute(stream(), {{DNNL_ARG_FROM, from},
                          {DNNL_ARG_TO, to},
                          {DNNL_ARG_ATTR_SCALES | DNNL_ARG_SRC, scales}});
#else
  attributes.set_output_scales(output_dims, std::vector<float>(scale, scale + shape.out_channels));
  dnnl::reorder(from, to, attributes).execute(stream(), from, to);
#endif
}

class OnednnConv2d : public Conv2dKernel {
 public:
  OnednnConv2d(const Conv2dShape& shape, const float* weight, const float* scale, const float* bias,
               const Conv2dPost& post)
      : descriptor_(describe(shape, bias != nullptr, post)),
        primitive_(descriptor_),
        weight_storage_(allocate_large(descriptor_.weights_desc().get_size())),
        weight_(descriptor_.weights_desc(), engine(), weight_storage_.get()) {
    // Layers are prepared side by side, so each on one thread.
    const ThreadSetting one_thread(1);
    const auto tag = shape.groups == 1 ? memory::format_tag::oihw : memory::format_tag::goihw;
#if DNNL_VERSION_MAJOR >= 3
    const auto dims = descriptor_.weights_desc().get_dims();
#else
    const auto dims = descriptor_.weights_desc().dims();
#endif
    memory plain({dims, memory::data_type::f32, tag}, engine(), const_cast<float*>(weight));
    reorder_scaled(plain, weight_, shape, scale);
    if (bias != nullptr) {
      bias_ = memory(descriptor_.bias_desc(), engine());
      std::memcpy(bias_.get_data_handle(), bias, descriptor_.bias_desc().get_size());
    }
    stream().wait();
  }

  const char* name() const override { return "onednn"; }
  std::size_t scratch_bytes() const override { return descriptor_.scratchpad_desc().get_size(); }
  std::size_t weight_bytes() const override {
    return descriptor_.weights_desc().get_size() + (bias_ ? descriptor_.bias_desc().get_size() : 0);
  }

  bool has_own_threads() const override { return true; }

  void run(const float* src, float* dst, std::byte* scratch, int threads,
           std::span<const std::byte>) const override {
    (void)threads;  // oneDNN takes OpenMP's setting, and one thread inside a parallel region
    std::unordered_map<int, memory> arguments{
        {DNNL_ARG_SRC, memory(descriptor_.src_desc(), engine(), const_cast<float*>(src))},
        {DNNL_ARG_DST, memory(descriptor_.dst_desc(), engine(), dst)},
        {DNNL_ARG_WEIGHTS, weight_},
        {DNNL_ARG_SCRATCHPAD, memory(descriptor_.scratchpad_desc(), engine(), scratch)}};
    if (bias_) arguments.emplace(DNNL_ARG_BIAS, bias_);
    primitive_.execute(stream(), arguments);
  }

 private:
  dnnl::convolution_forward::primitive_desc descriptor_;
  dnnl::convolution_forward primitive_;
  std::shared_ptr<std::byte> weight_storage_;
  memory weight_, bias_;
};

}  // namespace

std::unique_ptr<Conv2dKernel> make_conv2d(const Conv2dShape& shape, const float* weight,
                                          const float* scale, const float* bias,
                                          const Conv2dPost& post) {
  try {
    return std::make_unique<OnednnConv2d>(shape, weight, scale, bias, post);
  } catch (const dnnl::error& error) {
    if (error.status == dnnl_unimplemented) return nullptr;
    throw Error(std::string("oneDNN cannot build a convolution: ") + error.what());
  }
}

}  // namespace sidenet::kernels::onednn
