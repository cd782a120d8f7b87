#pragma once

#include <cstddef>

#include "cpu_activation.h"
#include "cpu_elementwise.h"

namespace sidenet::kernels::cpu {

/// What a linear layer does behind its sums: y = activation(y) + residual. y, residual (or null):
/// `count` values.
inline void finish_linear(Activation activation, const float* residual, float* y, std::size_t count,
                          int threads) {
  if (activation != Activation::none) activate(activation, y, y, count, threads);
  if (residual) add(y, residual, y, count, false, threads);
}

}  // namespace sidenet::kernels::cpu
