#pragma once

#include <map>
#include <string>

#include "fuzz_support.h"
#include "sidenet/tensor.h"

namespace sidenet::fuzz {

/// A model file told in lines, so that mutations reach what lies behind the safetensors header:
///   m KEY VALUE    a metadata field
///   t NAME 3,4     a float32 tensor of this shape, filled from a generator; with f16, i64 … behind it: zeros of that type
/// Other lines are passed over. Tensors take at most 1 MiB together: what is beyond is left out.
struct Recipe {
  std::map<std::string, std::string> metadata;
  std::map<std::string, Tensor> tensors;
};
Recipe read_recipe(std::string_view lines);
/// The safetensors file of it.
std::string file_of(const Recipe& recipe);

}  // namespace sidenet::fuzz
