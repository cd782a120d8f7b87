#include "gate_channels.h"

#include "add.h"
#include "basic_kernels.h"
#include "checked.h"
#include "elementwise.h"
#include "sidenet/error.h"

namespace sidenet::ops {
namespace {

class GateChannelsExecutable : public Executable {
 public:
  GateChannelsExecutable(const Shape& in, bool relu, const kernels::BasicKernels& kernels)
      : channels_(checked_int(in[0], "gate_channels")),
        pixels_(static_cast<std::size_t>(in[1] * in[2])),
        relu_(relu),
        kernels_(kernels) {}
  std::string kernel() const override { return kernels_.name; }
  std::size_t scratch_bytes(const Capacity&) const override {
    return static_cast<std::size_t>(channels_) * sizeof(float);
  }
  void run(std::span<const float* const> inputs, float* output, const RowBatch& batch,
           std::byte* scratch, int threads) const override {
    auto* gates = reinterpret_cast<float*>(scratch);
    const std::size_t channels = static_cast<std::size_t>(channels_), each = pixels_ * channels;
    for (std::size_t row = 0; row < static_cast<std::size_t>(batch.rows); ++row) {
      kernels_.sigmoid(inputs[1] + row * channels, gates, channels_);
      kernels_.gate_channels(inputs[0] + row * each, gates,
                             inputs.size() > 2 ? inputs[2] + row * each : nullptr,
                             output + row * each, pixels_, channels_, relu_, threads);
    }
  }

 private:
  int channels_;
  std::size_t pixels_;
  bool relu_;
  const kernels::BasicKernels& kernels_;
};

}  // namespace

std::string GateChannels::kind() const {
  return std::string("gate_channels") + (residual_ ? "+add" : "") + (relu_ ? "+relu" : "");
}

Shape GateChannels::output_shape(std::span<const Shape> inputs) const {
  if (inputs[0].size() != 3 || inputs[1] != Shape{inputs[0][0]})
    throw Error("gate_channels: expected inputs (C, H, W) and (C), got " + to_string(inputs[0]) +
                " and " + to_string(inputs[1]));
  if (residual_ && inputs[2] != inputs[0])
    throw Error("gate_channels: adds " + to_string(inputs[2]) + " to " + to_string(inputs[0]));
  return inputs[0];
}

std::unique_ptr<Operation> GateChannels::fuse(const Operation& next, std::size_t) const {
  if (const auto* add = dynamic_cast<const Add*>(&next); add && !residual_ && !relu_) {
    auto fused = std::make_unique<GateChannels>(*this);
    fused->residual_ = true;
    fused->relu_ = add->has_relu();
    return fused;
  }
  return with_relu(*this, &GateChannels::relu_, next);
}

std::unique_ptr<Executable> GateChannels::prepare(std::span<const Shape> inputs,
                                                  const PrepareOptions& options) const {
  return std::make_unique<GateChannelsExecutable>(inputs[0], relu_,
                                                  kernels::basic_kernels(options.kernels));
}

}  // namespace sidenet::ops
