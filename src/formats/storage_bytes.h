#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>

#include "sidenet/error.h"
#include "sidenet/tensor.h"

namespace sidenet {

/// Bytes with whatever keeps them alive.
struct StorageBytes {
  std::span<const std::byte> bytes;
  std::shared_ptr<const Storage> owner;
};

/// Zeroed bytes on the heap, for what cannot be viewed in a file (a decompressed entry).
class OwnedBytes : public Storage {
 public:
  /// Throws Error where memory does not hold them.
  explicit OwnedBytes(std::size_t size)
      : data_(static_cast<std::byte*>(std::calloc(size + 1, 1))), size_(size) {
    if (data_ == nullptr) throw Error("out of memory: " + std::to_string(size) + " bytes");
  }
  ~OwnedBytes() override { std::free(data_); }
  OwnedBytes(const OwnedBytes&) = delete;
  OwnedBytes& operator=(const OwnedBytes&) = delete;
  std::span<std::byte> bytes() const { return {data_, size_}; }

 private:
  std::byte* data_;
  std::size_t size_;
};

}  // namespace sidenet
