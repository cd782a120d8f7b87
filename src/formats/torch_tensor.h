#pragma once

#include <cstdint>
#include <string>

#include "pickle.h"
#include "sidenet/tensor.h"
#include "torch_storage.h"

namespace sidenet {

/// Whether Python would make a tensor of it (of a kind that is read or not).
bool is_torch_tensor(const pickle::Value& value);

/// Bytes that tensors which cannot be views may take together. A stride of 0 can describe a tensor far larger than its
/// file; real checkpoints hold few such, and small ones.
constexpr std::uint64_t copy_limit_of(std::uint64_t file_bytes) { return (std::uint64_t{64} << 20) + 4 * file_bytes; }

/// Makes tensors of what a checkpoint's pickle says about them.
class TorchTensorBuilder {
 public:
  /// `copy_limit`: see copy_limit_of().
  TorchTensorBuilder(StorageLookup lookup, std::uint64_t copy_limit)
      : lookup_(std::move(lookup)), copies_left_(copy_limit) {}

  /// A view where the elements lie in row-major order and aligned to their type, else a copy that does. Throws Error,
  /// starting with `where`: an element outside its storage, sizes that overflow, a kind of tensor that is not read.
  Tensor build(const pickle::Value& value, const std::string& where);

 private:
  StorageLookup lookup_;
  std::uint64_t copies_left_;
};

}  // namespace sidenet
