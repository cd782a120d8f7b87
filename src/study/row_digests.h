#pragma once

#include <cstdint>
#include <vector>

#include "sidenet/batch.h"
#include "sidenet/tensor.h"

namespace sidenet {

/// 32 bits of each row of a batch as the network receives it: the pixels after preprocessing, or
/// the tokens. Tells, up to accidents of one in 2^32 a pair, whether a row was seen before.
std::vector<std::uint32_t> row_digests(const Batch& batch);

/// Where a model keeps the digests of the rows that its SideNets were trained on: a tensor i32
/// (rows), ascending as unsigned numbers.
inline constexpr const char* kTrainingRows = "sidenet.training_rows";
Tensor digests_to_tensor(std::vector<std::uint32_t> digests);
/// Sorted. Throws Error where the tensor is not i32 of one dimension.
std::vector<std::uint32_t> digests_of_tensor(const Tensor& tensor);

}  // namespace sidenet
