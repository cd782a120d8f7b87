#include "channel_conv.h"

#include "basic_kernels.h"
#include "checked.h"
#include "sidenet/error.h"

namespace sidenet::ops {
namespace {

class ChannelConvExecutable : public Executable {
 public:
  ChannelConvExecutable(std::vector<float> weight, int channels,
                        const kernels::BasicKernels& kernels)
      : weight_(std::move(weight)), channels_(channels), kernels_(kernels) {}
  std::string kernel() const override { return kernels_.name; }
  std::size_t weight_bytes() const override { return sizeof(float) * weight_.size(); }
  void run(std::span<const float* const> inputs, float* output, const RowBatch& batch, std::byte*,
           int) const override {
    for (int row = 0; row < batch.rows; ++row) {
      const std::size_t from = static_cast<std::size_t>(row) * static_cast<std::size_t>(channels_);
      kernels_.channel_conv(inputs[0] + from, channels_, weight_.data(),
                            static_cast<int>(weight_.size()), output + from);
    }
  }

 private:
  std::vector<float> weight_;
  int channels_;
  const kernels::BasicKernels& kernels_;
};

}  // namespace

ChannelConv::ChannelConv(const Tensor& weight) {
  constexpr std::int64_t kMost = 1 << 16;
  if (weight.rank() != 3 || weight.dim(0) != 1 || weight.dim(1) != 1 || weight.dim(2) % 2 != 1 ||
      weight.dim(2) > kMost)
    throw Error("channel_conv: expected a weight (1, 1, k) with k odd, got " +
                to_string(weight.shape()));
  const Tensor values = weight.to_f32();
  weight_.assign(values.data<float>(), values.data<float>() + values.size());
}

Shape ChannelConv::output_shape(std::span<const Shape> inputs) const {
  if (inputs[0].size() != 1 || is_per_token(inputs[0]))
    throw Error("channel_conv: expected an input (C), got " + to_string(inputs[0]));
  return inputs[0];
}

std::int64_t ChannelConv::multiply_adds(std::span<const Shape> inputs) const {
  return saturating_mul(inputs[0][0], parameters());
}

std::unique_ptr<Executable> ChannelConv::prepare(std::span<const Shape> inputs,
                                                 const PrepareOptions& options) const {
  return std::make_unique<ChannelConvExecutable>(weight_, checked_int(inputs[0][0], "channel_conv"),
                                                 kernels::basic_kernels(options.kernels));
}

}  // namespace sidenet::ops
