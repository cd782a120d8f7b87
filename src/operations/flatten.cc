#include "flatten.h"

#include "basic_kernels.h"
#include "checked.h"

namespace sidenet::ops {
namespace {

class FlattenExecutable : public Executable {
 public:
  FlattenExecutable(int channels, int pixels, const kernels::BasicKernels& kernels)
      : channels_(channels), pixels_(pixels), kernels_(kernels) {}
  std::string kernel() const override { return kernels_.name; }
  void run(std::span<const float* const> inputs, float* output, const RowBatch& batch, std::byte*,
           int) const override {
    const std::size_t elements = static_cast<std::size_t>(channels_) * pixels_;
    for (std::size_t row = 0; row < static_cast<std::size_t>(batch.rows); ++row) {
      kernels_.hwc_to_chw(inputs[0] + row * elements, channels_, pixels_, output + row * elements);
    }
  }

 private:
  int channels_, pixels_;
  const kernels::BasicKernels& kernels_;
};

}  // namespace

std::unique_ptr<Executable> Flatten::prepare(std::span<const Shape> inputs,
                                             const PrepareOptions& options) const {
  const Shape& in = inputs[0];
  const auto channels = checked_int(in.size() == 3 ? in[0] : element_count(in), "flatten");
  return std::make_unique<FlattenExecutable>(channels,
                                             checked_int(element_count(in) / channels, "flatten"),
                                             kernels::basic_kernels(options.kernels));
}

}  // namespace sidenet::ops
