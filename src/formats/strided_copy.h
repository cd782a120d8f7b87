#pragma once

#include "sidenet/tensor.h"

namespace sidenet {

/// A row-major copy of a strided array. `strides` are in elements, one an axis, and may be 0; every
/// element that they reach from `first` must be readable. `first` need not be aligned.
Tensor copy_strided(DType dtype, Shape shape, Shape strides, const std::byte* first);

}  // namespace sidenet
