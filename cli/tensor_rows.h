#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sidenet/tensor.h"

namespace sidenet::tools {

/// Rows first … first + count - 1 of the outermost axis, as a view that keeps the whole alive.
Tensor rows_of(const Tensor& whole, std::int64_t first, std::int64_t count);
/// float32 tensors of one shape as one, (count, shape…).
Tensor stack(std::span<const Tensor> rows);
/// softmax(logits / temperature).
std::vector<double> probabilities(std::span<const float> logits, double temperature);

}  // namespace sidenet::tools
