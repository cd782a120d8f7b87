#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "pickle.h"
#include "storage_bytes.h"

namespace sidenet {

/// The part of a storage of a PyTorch checkpoint that a tensor refers to: the persistent id
/// ('storage', type, key, location, elements[, view]), see torch/serialization.py.
struct StorageReference {
  std::string_view key;
  std::optional<DType> dtype;       // none: UntypedStorage, whose elements are bytes
  std::uint64_t elements = 0;       // of the whole storage
  std::uint64_t view_offset = 0;    // elements
  std::uint64_t view_elements = 0;  // elements; without a view, all

  std::size_t element_bytes() const { return dtype ? dtype_size(*dtype) : 1; }
};

/// Throws Error, starting with `where`, for another persistent id or an element type that is not
/// read.
StorageReference storage_reference(const pickle::Value& value, const std::string& where);

/// Finds the bytes of a storage by its key. Throws Error, starting with `where`, where there is
/// none.
using StorageLookup = std::function<StorageBytes(std::string_view key, const std::string& where)>;

/// "float32" of torch.float32. Throws Error for types that are not read.
DType torch_dtype(const pickle::Global& global, const std::string& where);

}  // namespace sidenet
