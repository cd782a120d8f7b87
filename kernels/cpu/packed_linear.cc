#include "packed_linear.h"

#include <algorithm>

#include "packed_product.h"
#include "secret_digest.h"
#include "weight_memory.h"

namespace sidenet::kernels::cpu {

PackedLinear::PackedLinear(int in_features, int out_features, const float* weight,
                           const float* bias)
    : in_features_(in_features),
      out_features_(out_features),
      halves_(fits_halves(weight, std::size_t(in_features) * out_features)),
      bias_(padded_outputs(out_features)) {
  const std::size_t count = bias_.size() * in_features;
  WeightMemory memory =
      cached_or_new_weights(halves_ ? (count + 1) / 2 : count, [&](SecretDigest& digest) {
        const std::size_t inputs = in_features, outputs = out_features;
        digest.add(halves_ ? "halves" : "linear").add(inputs).add(outputs);
        add_floats(digest, weight, inputs * outputs);
      });
  packed_ = std::move(memory.data);
  if (!memory.filled && halves_)
    pack_halves(weight, in_features, out_features, reinterpret_cast<std::uint16_t*>(packed_.get()));
  if (!memory.filled && !halves_) pack_weight(weight, in_features, out_features, packed_.get());
  if (bias) std::copy_n(bias, out_features, bias_.begin());
}

PackedWeight PackedLinear::weight() const {
  return {packed_.get(), bias_.data(), in_features_, out_features_, halves_};
}

std::size_t PackedLinear::weight_bytes() const {
  return bias_.size() *
         (std::size_t(in_features_) * (halves_ ? sizeof(std::uint16_t) : sizeof(float)) +
          sizeof(float));
}

std::span<const std::byte> PackedLinear::weights() const {
  return {reinterpret_cast<const std::byte*>(packed_.get()),
          weight_bytes() - bias_.size() * sizeof(float)};
}

void PackedLinear::run(const float* x, int rows, float* y, bool relu, int threads) const {
  packed_product(weight(), x, in_features_, rows, y, out_features_,
                 {.accumulate = false, .relu = relu}, threads);
}

}  // namespace sidenet::kernels::cpu
