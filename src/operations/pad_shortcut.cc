#include "pad_shortcut.h"

#include "basic_kernels.h"
#include "checked.h"
#include "sidenet/error.h"

namespace sidenet::ops {
namespace {

class PadShortcutExecutable : public Executable {
 public:
  PadShortcutExecutable(const Shape& in, const Shape& out, int stride, int before,
                        const kernels::BasicKernels& kernels)
      : in_elements_(element_count(in)),
        out_elements_(element_count(out)),
        channels_(checked_int(in[0], "padded shortcut")),
        h_(checked_int(in[1], "padded shortcut")),
        w_(checked_int(in[2], "padded shortcut")),
        out_channels_(checked_int(out[0], "padded shortcut")),
        stride_(stride),
        before_(before),
        kernels_(kernels) {}
  std::string kernel() const override { return kernels_.name; }
  void run(std::span<const float* const> inputs, float* output, const RowBatch& batch, std::byte*,
           int) const override {
    for (std::int64_t row = 0; row < batch.rows; ++row) {
      kernels_.pad_shortcut(inputs[0] + row * in_elements_, h_, w_, channels_, stride_, before_,
                            output + row * out_elements_, out_channels_);
    }
  }

 private:
  std::int64_t in_elements_, out_elements_;
  int channels_, h_, w_, out_channels_, stride_, before_;
  const kernels::BasicKernels& kernels_;
};

}  // namespace

Shape PadShortcut::output_shape(std::span<const Shape> inputs) const {
  const Shape& in = inputs[0];
  if (in.size() != 3 || in[0] > out_channels_) {
    throw Error("padded shortcut: expected an input (C, H, W) of at most " +
                std::to_string(out_channels_) + " channels, got " + to_string(in));
  }
  return {out_channels_, (in[1] + stride_ - 1) / stride_, (in[2] + stride_ - 1) / stride_};
}

std::unique_ptr<Executable> PadShortcut::prepare(std::span<const Shape> inputs,
                                                 const PrepareOptions& options) const {
  return std::make_unique<PadShortcutExecutable>(inputs[0], output_shape(inputs), stride_, before_,
                                                 kernels::basic_kernels(options.kernels));
}

}  // namespace sidenet::ops
