#include "row_digests.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "digest.h"
#include "sidenet/error.h"

namespace sidenet {

std::vector<std::uint32_t> row_digests(const Batch& batch) {
  std::vector<std::uint32_t> digests;
  const auto add = [&](std::uint64_t hash) {
    digests.push_back(static_cast<std::uint32_t>(hash ^ (hash >> 32)));
  };
  const TokenRows& texts = batch.tokens;
  for (std::int64_t row = 0; row < texts.rows(); ++row) {
    const auto first = static_cast<std::size_t>(texts.offsets[static_cast<std::size_t>(row)]);
    const auto count = static_cast<std::size_t>(texts.length(row));
    add(hash64(std::as_bytes(std::span(texts.ids).subspan(first, count)),
               hash64(std::as_bytes(std::span(texts.types).subspan(first, count)), 0)));
  }
  if (texts.rows() > 0) return digests;
  const std::int64_t rows = batch.rows();
  const auto floats = static_cast<std::size_t>(rows > 0 ? batch.inputs.size() / rows : 0);
  const float* from = batch.inputs.data<float>();
  for (std::int64_t row = 0; row < rows; ++row, from += floats)
    add(hash64(std::as_bytes(std::span(from, floats)), 0));
  return digests;
}

Tensor digests_to_tensor(std::vector<std::uint32_t> digests) {
  std::sort(digests.begin(), digests.end());
  digests.erase(std::unique(digests.begin(), digests.end()), digests.end());
  Tensor tensor(DType::i32, {static_cast<std::int64_t>(digests.size())});
  std::memcpy(tensor.mutable_data<std::int32_t>(), digests.data(),
              digests.size() * sizeof(std::uint32_t));
  return tensor;
}

std::vector<std::uint32_t> digests_of_tensor(const Tensor& tensor) {
  if (tensor.dtype() != DType::i32 || tensor.rank() != 1) {
    throw Error(std::string("tensor '") + kTrainingRows + "': expected i32 of one dimension, got " +
                dtype_name(tensor.dtype()) + " " + to_string(tensor.shape()));
  }
  std::vector<std::uint32_t> digests(static_cast<std::size_t>(tensor.size()));
  std::memcpy(digests.data(), tensor.data<std::int32_t>(), digests.size() * sizeof(std::uint32_t));
  std::sort(digests.begin(), digests.end());
  return digests;
}

}  // namespace sidenet
