#include "blur_pool.h"

#include "basic_kernels.h"
#include "checked.h"
#include "sidenet/error.h"

namespace sidenet::ops {
namespace {

constexpr std::int64_t kTaps = 9;

class BlurPoolExecutable : public Executable {
 public:
  BlurPoolExecutable(const Shape& in, const Shape& out, int stride,
                     const kernels::BasicKernels& kernels)
      : in_elements_(element_count(in)),
        out_elements_(element_count(out)),
        channels_(checked_int(in[0], "blur_pool")),
        h_(checked_int(in[1], "blur_pool")),
        w_(checked_int(in[2], "blur_pool")),
        stride_(stride),
        kernels_(kernels) {}
  std::string kernel() const override { return kernels_.name; }
  void run(std::span<const float* const> inputs, float* output, const RowBatch& batch, std::byte*,
           int threads) const override {
    for (std::int64_t row = 0; row < batch.rows; ++row)
      kernels_.blur_pool(inputs[0] + row * in_elements_, h_, w_, channels_, stride_,
                         output + row * out_elements_, threads);
  }

 private:
  std::int64_t in_elements_, out_elements_;
  int channels_, h_, w_, stride_;
  const kernels::BasicKernels& kernels_;
};

}  // namespace

Shape BlurPool::output_shape(std::span<const Shape> inputs) const {
  const Shape& in = inputs[0];
  if (in.size() != 3 || in[1] < 2 || in[2] < 2)
    throw Error("blur_pool: expected an input (C, H, W) of 2 x 2 pixels or more, got " +
                to_string(in));
  return {in[0], (in[1] + stride_ - 1) / stride_, (in[2] + stride_ - 1) / stride_};
}

std::int64_t BlurPool::multiply_adds(std::span<const Shape> inputs) const {
  return saturating_mul(element_count(output_shape(inputs)), kTaps);
}

std::unique_ptr<Executable> BlurPool::prepare(std::span<const Shape> inputs,
                                              const PrepareOptions& options) const {
  return std::make_unique<BlurPoolExecutable>(inputs[0], output_shape(inputs), stride_,
                                              kernels::basic_kernels(options.kernels));
}

}  // namespace sidenet::ops
