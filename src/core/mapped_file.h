#pragma once

#include <memory>
#include <span>
#include <string>

#include "sidenet/tensor.h"

namespace sidenet {

/// A file mapped read-only. Tensors that view it keep it alive.
class MappedFile : public Storage {
 public:
  /// Throws Error: missing, not a regular file, unreadable.
  static std::shared_ptr<const MappedFile> open(const std::string& path);
  /// Of an open file, which the caller closes. `path`: for messages. Throws Error where it is not
  /// regular or not readable.
  static std::shared_ptr<const MappedFile> of(int descriptor, const std::string& path);
  ~MappedFile() override;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::string& path() const { return path_; }
  /// Gives the pages wholly inside the range back to the system; they are read again from the file
  /// if touched.
  void release(const std::byte* begin, std::size_t bytes) const override;

 private:
  MappedFile() = default;
  std::string path_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace sidenet
