#pragma once

#include <cstdint>

namespace sidenet::kernels::cpu {

/// y[r] = mean of the tokens of row r, 0 for a row without any. x: (tokens, width); y: (rows,
/// width). Row r owns the tokens offsets[r] … offsets[r + 1] - 1.
void mean_tokens(const float* x, const std::int64_t* offsets, int rows, int width, float* y,
                 int threads);

}  // namespace sidenet::kernels::cpu
