#pragma once

#include <memory>
#include <span>

#include "activation.h"
#include "linear_kernel.h"
#include "sidenet/kernels.h"

namespace sidenet::kernels {

/// What the rows of a linear layer are.
enum class LinearRows {
  vectors,  ///< one of each row of the network: few, often one
  tokens    ///< all tokens of all rows, or one of each with the bits that it has among all: many
};

struct LinearProblem {
  int in_features = 0;
  std::span<const LinearWeights> parts;  ///< their outputs side by side
  Activation activation = Activation::none;
  LinearRows rows = LinearRows::vectors;
};

/// The kernel for a linear layer. Throws Error, std::bad_alloc.
std::unique_ptr<LinearKernel> choose_linear(const LinearProblem& problem, Kernels kernels);

}  // namespace sidenet::kernels
