#include "pool2d.h"

#include "basic_kernels.h"
#include "checked.h"
#include "sidenet/error.h"

namespace sidenet::ops {
namespace {

class Pool2dExecutable : public Executable {
 public:
  Pool2dExecutable(Pool2d::Kind kind, const kernels::Pool2dShape& shape,
                   const kernels::BasicKernels& kernels)
      : kind_(kind), shape_(shape), kernels_(kernels) {}
  std::string kernel() const override { return kernels_.name; }
  void run(std::span<const float* const> inputs, float* output, const RowBatch& batch, std::byte*,
           int threads) const override {
    const std::size_t in = static_cast<std::size_t>(shape_.in_h) * shape_.in_w * shape_.channels;
    const std::size_t out = static_cast<std::size_t>(shape_.out_h) * shape_.out_w * shape_.channels;
    const auto pool = kind_ == Pool2d::Kind::max ? kernels_.max_pool : kernels_.avg_pool;
    for (std::size_t row = 0; row < static_cast<std::size_t>(batch.rows); ++row) {
      pool(shape_, inputs[0] + row * in, output + row * out, threads);
    }
  }

 private:
  Pool2d::Kind kind_;
  kernels::Pool2dShape shape_;
  const kernels::BasicKernels& kernels_;
};

class AdaptiveAvgPool2dExecutable : public Executable {
 public:
  AdaptiveAvgPool2dExecutable(const Shape& in, int size, const kernels::BasicKernels& kernels)
      : channels_(checked_int(in[0], "pooling")),
        h_(checked_int(in[1], "pooling")),
        w_(checked_int(in[2], "pooling")),
        size_(size),
        kernels_(kernels) {}
  std::string kernel() const override { return kernels_.name; }
  void run(std::span<const float* const> inputs, float* output, const RowBatch& batch, std::byte*,
           int threads) const override {
    const std::size_t in = static_cast<std::size_t>(channels_) * h_ * w_,
                      out = static_cast<std::size_t>(channels_) * size_ * size_;
    for (std::size_t row = 0; row < static_cast<std::size_t>(batch.rows); ++row) {
      kernels_.adaptive_avg_pool(inputs[0] + row * in, h_, w_, channels_, output + row * out, size_,
                                 size_, threads);
    }
  }

 private:
  int channels_, h_, w_, size_;
  const kernels::BasicKernels& kernels_;
};

void require_image(const char* what, const Shape& in) {
  if (in.size() != 3)
    throw Error(std::string(what) + ": expected an input (C, H, W), got " + to_string(in));
}

}  // namespace

Shape Pool2d::output_shape(std::span<const Shape> inputs) const {
  const Shape& in = inputs[0];
  require_image("pooling", in);
  const auto extent = [&](std::int64_t size) {
    const std::int64_t reach = size + 2 * padding_ - kernel_ + (ceil_mode_ ? stride_ - 1 : 0);
    if (reach < 0)
      throw Error("pooling: an input " + to_string(in) + " is smaller than the window " +
                  std::to_string(kernel_));
    const std::int64_t windows = reach / stride_ + 1;
    // A window that begins beyond the image is none.
    return (windows - 1) * stride_ >= size + padding_ ? windows - 1 : windows;
  };
  return {in[0], extent(in[1]), extent(in[2])};
}

std::unique_ptr<Executable> Pool2d::prepare(std::span<const Shape> inputs,
                                            const PrepareOptions& options) const {
  const Shape& in = inputs[0];
  const Shape out = output_shape(inputs);
  kernels::Pool2dShape shape;
  shape.channels = checked_int(in[0], "pooling");
  shape.in_h = checked_int(in[1], "pooling");
  shape.in_w = checked_int(in[2], "pooling");
  shape.out_h = checked_int(out[1], "pooling");
  shape.out_w = checked_int(out[2], "pooling");
  shape.kernel_h = shape.kernel_w = kernel_;
  shape.stride_h = shape.stride_w = stride_;
  shape.pad_h = shape.pad_w = padding_;
  shape.count_include_pad = !ceil_mode_;
  return std::make_unique<Pool2dExecutable>(kind_, shape, kernels::basic_kernels(options.kernels));
}

Shape GlobalMaxPool2d::output_shape(std::span<const Shape> inputs) const {
  require_image("global pooling", inputs[0]);
  return {inputs[0][0], 1, 1};
}

std::unique_ptr<Executable> GlobalMaxPool2d::prepare(std::span<const Shape> inputs,
                                                     const PrepareOptions& options) const {
  kernels::Pool2dShape shape;
  shape.channels = checked_int(inputs[0][0], "pooling");
  shape.in_h = shape.kernel_h = checked_int(inputs[0][1], "pooling");
  shape.in_w = shape.kernel_w = checked_int(inputs[0][2], "pooling");
  shape.out_h = shape.out_w = 1;
  return std::make_unique<Pool2dExecutable>(Pool2d::Kind::max, shape,
                                            kernels::basic_kernels(options.kernels));
}

Shape AdaptiveAvgPool2d::output_shape(std::span<const Shape> inputs) const {
  require_image("adaptive pooling", inputs[0]);
  return {inputs[0][0], size_, size_};
}

std::unique_ptr<Executable> AdaptiveAvgPool2d::prepare(std::span<const Shape> inputs,
                                                       const PrepareOptions& options) const {
  return std::make_unique<AdaptiveAvgPool2dExecutable>(inputs[0], size_,
                                                       kernels::basic_kernels(options.kernels));
}

}  // namespace sidenet::ops
