#pragma once

#include <map>
#include <string>

#include "fuzz_support.h"
#include "sidenet/tensor.h"

namespace sidenet::fuzz {

/// A model file told in lines, so that mutations reach what lies behind the safetensors header:
///   m KEY VALUE    a metadata field
///   t NAME 3,4     a float32 tensor of this shape, filled from a generator;
///                  with f16, i64 … behind it: zeros of that type
/// and, so that an input of a few kB can stand for a file of some MB:
///   a KEY VALUE    the same field goes on
///   p 9000 TEXT    TEXT so many times in front of the names of tensors from here on
///   r 900 LINE     LINE so many times, with its number for each #
/// Other lines are passed over, and what is beyond 1 MiB of tensors, 4 MiB of names and fields, or
/// 16,384 lines.
struct Recipe {
  std::map<std::string, std::string> metadata;
  std::map<std::string, Tensor> tensors;
};
Recipe read_recipe(std::string_view lines);
/// The safetensors file of it.
std::string file_of(const Recipe& recipe);

}  // namespace sidenet::fuzz
