#pragma once

namespace sidenet::kernels::cpu {

/// p = exp(x - max x) / sum; x: (rows, classes).
void softmax(const float* x, float* p, int rows, int classes);

}  // namespace sidenet::kernels::cpu
