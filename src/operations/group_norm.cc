#include "group_norm.h"

#include "basic_kernels.h"
#include "checked.h"
#include "elementwise.h"
#include "sidenet/error.h"

namespace sidenet::ops {
namespace {

struct Parameters {
  Tensor gamma, beta;
  int groups;
  double epsilon;
  bool relu;
};

class GroupNormExecutable : public Executable {
 public:
  GroupNormExecutable(Parameters parameters, const Shape& in, const kernels::BasicKernels& kernels)
      : parameters_(std::move(parameters)),
        channels_(checked_int(in[0], "group_norm")),
        pixels_(static_cast<std::size_t>(in[1] * in[2])),
        kernels_(kernels) {}
  std::string kernel() const override { return kernels_.name; }
  std::size_t scratch_bytes(const Capacity&) const override {
    return kernels_.group_norm_scratch_bytes(channels_);
  }
  std::size_t weight_bytes() const override {
    return parameters_.gamma.bytes() + parameters_.beta.bytes();
  }
  void run(std::span<const float* const> inputs, float* output, const RowBatch& batch,
           std::byte* scratch, int threads) const override {
    const auto& [gamma, beta, groups, epsilon, relu] = parameters_;
    const std::size_t each = pixels_ * static_cast<std::size_t>(channels_);
    for (std::size_t row = 0; row < static_cast<std::size_t>(batch.rows); ++row)
      kernels_.group_norm(inputs[0] + row * each, pixels_, channels_, groups, gamma.data<float>(),
                          beta.data<float>(), epsilon, relu, output + row * each, scratch, threads);
  }

 private:
  Parameters parameters_;
  int channels_;
  std::size_t pixels_;
  const kernels::BasicKernels& kernels_;
};

}  // namespace

GroupNorm::GroupNorm(const Tensor& gamma, const Tensor& beta, int groups, double epsilon)
    : gamma_(gamma), beta_(beta), groups_(groups), epsilon_(epsilon) {
  if (gamma_.size() != beta_.size())
    throw Error("group_norm: expected a weight and a bias of one length, got " +
                to_string(gamma_.shape()) + " and " + to_string(beta_.shape()));
  if (groups_ < 1 || gamma_.size() % groups_ != 0)
    throw Error("group_norm: " + std::to_string(gamma_.size()) + " channels do not divide into " +
                std::to_string(groups_) + " groups");
}

Shape GroupNorm::output_shape(std::span<const Shape> inputs) const {
  if (inputs[0].size() != 3 || inputs[0][0] != gamma_.size())
    throw Error("group_norm: expected an input (" + std::to_string(gamma_.size()) +
                ", H, W), got " + to_string(inputs[0]));
  return inputs[0];
}

std::unique_ptr<Operation> GroupNorm::fuse(const Operation& next, std::size_t) const {
  return with_relu(*this, &GroupNorm::relu_, next);
}

std::unique_ptr<Executable> GroupNorm::prepare(std::span<const Shape> inputs,
                                               const PrepareOptions& options) const {
  return std::make_unique<GroupNormExecutable>(
      Parameters{gamma_.to_f32(), beta_.to_f32(), groups_, epsilon_, relu_}, inputs[0],
      kernels::basic_kernels(options.kernels));
}

}  // namespace sidenet::ops
