#pragma once

#include <cstddef>

#include "activation.h"

namespace sidenet::kernels::cpu {

/// y = activation(x), vectorised; y may be x. NaN stays NaN. Errors: of gelu and gelu_tanh 3e-7, of
/// tanh 3 ulp. Bits depend on no neighbour and not on `threads`.
void activate(Activation activation, const float* x, float* y, std::size_t count, int threads);

}  // namespace sidenet::kernels::cpu
