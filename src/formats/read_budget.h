#pragma once

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <string>

#include "sidenet/error.h"

namespace sidenet {

/// Thrown where a ReadBudget is spent; whoever knows the place in the file may catch it and tell.
class OverBudget : public Error {
 public:
  using Error::Error;
};

/// The memory that reading one file may hold at once: twice its size and 40 MiB. With the file's
/// own pages that stays below three times its size and 64 MB, whatever the file claims. A memory
/// resource, so that containers charge what they really take, malloc's own overhead included;
/// blocks that are not a container's are charged by take(). Not for several threads.
class ReadBudget : public std::pmr::memory_resource {
 public:
  explicit ReadBudget(std::uint64_t file_bytes);

  /// Charges `bytes` for good. Throws Error, "where: the file's WHAT takes …", where they are not
  /// left.
  void take(std::uint64_t bytes, const std::string& where, const char* what);

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override;
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override;
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
    return this == &other;
  }

  std::uint64_t limit_, left_;
};

}  // namespace sidenet
