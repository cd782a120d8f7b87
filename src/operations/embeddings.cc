#include "embeddings.h"

#include "basic_kernels.h"
#include "sidenet/error.h"

namespace sidenet::ops {
namespace {

class EmbeddingsExecutable : public Executable {
 public:
  EmbeddingsExecutable(Tensor words, Tensor positions, Tensor types,
                       const kernels::BasicKernels& kernels)
      : words_(std::move(words)),
        positions_(std::move(positions)),
        types_(std::move(types)),
        kernels_(kernels) {}
  std::string kernel() const override { return kernels_.name; }
  void run(std::span<const float* const> inputs, float* output, const RowBatch& batch, std::byte*,
           int) const override {
    const auto hidden = static_cast<std::size_t>(words_.dim(1));
    for (std::size_t token = 0; token < static_cast<std::size_t>(batch.tokens); ++token) {
      const float* ids = inputs[0] + 3 * token;
      float* sum = output + token * hidden;
      kernels_.add(entry(words_, ids[0]), entry(positions_, ids[1]), sum, hidden, false, 1);
      if (!types_.empty()) kernels_.add(sum, entry(types_, ids[2]), sum, hidden, false, 1);
    }
  }

 private:
  // Ids are exact in float32: no vocabulary has 2^24 words.
  static const float* entry(const Tensor& table, float id) {
    return table.data<float>() +
           static_cast<std::size_t>(id) * static_cast<std::size_t>(table.dim(1));
  }
  Tensor words_, positions_, types_;
  const kernels::BasicKernels& kernels_;
};

}  // namespace

Embeddings::Embeddings(Tensor words, Tensor positions, Tensor types)
    : words_(std::move(words)), positions_(std::move(positions)), types_(std::move(types)) {
  for (const Tensor* table : {&words_, &positions_, &types_}) {
    if (table == &types_ && types_.empty()) continue;
    if (table->rank() != 2 || table->dim(0) < 1 || table->dim(0) >= (1 << 24) ||
        table->dim(1) != words_.dim(1)) {
      throw Error("embeddings: expected tables (1 … 16777215, hidden) of one width, got " +
                  to_string(words_.shape()) + ", " + to_string(positions_.shape()) +
                  (types_.empty() ? "" : ", " + to_string(types_.shape())));
    }
  }
}

Shape Embeddings::output_shape(std::span<const Shape> inputs) const {
  if (inputs[0].size() != 2 || inputs[0][1] != 3)
    throw Error("embeddings: expected (tokens, 3), got " + to_string(inputs[0]));
  return {inputs[0][0], words_.dim(1)};
}

std::int64_t Embeddings::parameters() const {
  return words_.size() + positions_.size() + (types_.empty() ? 0 : types_.size());
}

std::unique_ptr<Executable> Embeddings::prepare(std::span<const Shape>,
                                                const PrepareOptions& options) const {
  return std::make_unique<EmbeddingsExecutable>(words_.to_f32(), positions_.to_f32(),
                                                types_.empty() ? types_ : types_.to_f32(),
                                                kernels::basic_kernels(options.kernels));
}

}  // namespace sidenet::ops
