#pragma once

#include <string>

#include "sidenet/tensor.h"

namespace sidenet {

/// Of "F32", "BF16", …. Throws Error for types that are not read (unsigned above 8 bits, floats of
/// 8).
DType safetensors_dtype(const std::string& type);
const char* safetensors_type_name(DType dtype);

}  // namespace sidenet
