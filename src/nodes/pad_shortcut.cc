#include "pad_shortcut.h"

#include "cpu_kernels.h"
#include "sidenet/error.h"

namespace sidenet::nodes {
namespace {

class PadShortcutExecutable : public Executable {
 public:
  PadShortcutExecutable(const Shape& in, const Shape& out, int stride) : in_(in), out_(out), stride_(stride) {}
  void run(std::span<const float* const> inputs, float* output, const RowBatch& batch, std::byte*, int) const override {
    const auto channels = static_cast<int>(in_[0]), out_channels = static_cast<int>(out_[0]);
    for (std::int64_t row = 0; row < batch.rows; ++row) {
      kernels::cpu::pad_shortcut(inputs[0] + row * element_count(in_), static_cast<int>(in_[1]), static_cast<int>(in_[2]),
                                 channels, stride_, (out_channels - channels) / 2, output + row * element_count(out_),
                                 out_channels);
    }
  }

 private:
  Shape in_, out_;
  int stride_;
};

}  // namespace

Shape PadShortcut::output_shape(std::span<const Shape> inputs) const {
  const Shape& in = inputs[0];
  if (in.size() != 3 || in[0] > out_channels_) {
    throw Error("padded shortcut: expected an input (C, H, W) of at most " + std::to_string(out_channels_) +
                " channels, got " + to_string(in));
  }
  return {out_channels_, (in[1] + stride_ - 1) / stride_, (in[2] + stride_ - 1) / stride_};
}

std::unique_ptr<Executable> PadShortcut::prepare(std::span<const Shape> inputs, const PrepareOptions&) const {
  return std::make_unique<PadShortcutExecutable>(inputs[0], output_shape(inputs), stride_);
}

}  // namespace sidenet::nodes
