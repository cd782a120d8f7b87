#pragma once

#include <string>

#include "pickle.h"
#include "read_budget.h"
#include "sidenet/tensor.h"
#include "torch_storage.h"

namespace sidenet {

/// Whether Python would make a tensor of it (of a kind that is read or not).
bool is_torch_tensor(const pickle::Value& value);

/// Makes tensors of what a checkpoint's pickle says about them.
class TorchTensorBuilder {
 public:
  /// Copies are charged to `budget`: a stride of 0 can describe a tensor far larger than its file.
  TorchTensorBuilder(StorageLookup lookup, ReadBudget& budget)
      : lookup_(std::move(lookup)), budget_(budget) {}

  /// A view where the elements lie in row-major order and aligned to their type, else a copy that
  /// does. Throws Error, starting with `where`: an element outside its storage, sizes that
  /// overflow, a kind of tensor that is not read.
  Tensor build(const pickle::Value& value, const std::string& where);

 private:
  StorageLookup lookup_;
  ReadBudget& budget_;
};

}  // namespace sidenet
