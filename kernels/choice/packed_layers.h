#pragma once

#include <memory>

#include "linear_choice.h"

namespace sidenet::kernels {

/// Our own: PackedGemm for tokens and for several parts, PackedLinear for vectors.
std::unique_ptr<LinearKernel> make_packed_linear(const LinearProblem& problem);

}  // namespace sidenet::kernels
