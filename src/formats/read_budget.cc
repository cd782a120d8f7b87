#include "read_budget.h"

#include <algorithm>

namespace sidenet {
namespace {

constexpr std::uint64_t kFloor = std::uint64_t{40} << 20;

// What glibc's malloc takes for a block: eight bytes in front, in steps of 16, 32 at least.
std::uint64_t heap_bytes(std::size_t bytes) {
  return std::max<std::uint64_t>(32, (std::uint64_t{bytes} + 8 + 15) / 16 * 16);
}

}  // namespace

ReadBudget::ReadBudget(std::uint64_t file_bytes) : limit_(kFloor + 2 * file_bytes), left_(limit_) {}

void ReadBudget::take(std::uint64_t bytes, const std::string& where, const char* what) {
  if (bytes > left_) {
    throw OverBudget(where + ": " + what + " takes " + std::to_string(bytes) +
                     " bytes of memory, but reading a file of its size may take " +
                     std::to_string(limit_) + " in all, of which " + std::to_string(left_) +
                     " are left");
  }
  left_ -= bytes;
}

void* ReadBudget::do_allocate(std::size_t bytes, std::size_t alignment) {
  const std::uint64_t needed = heap_bytes(bytes);
  if (needed > left_) throw OverBudget("more than " + std::to_string(limit_) + " bytes of memory");
  void* block = std::pmr::new_delete_resource()->allocate(bytes, alignment);
  left_ -= needed;
  return block;
}

void ReadBudget::do_deallocate(void* block, std::size_t bytes, std::size_t alignment) {
  std::pmr::new_delete_resource()->deallocate(block, bytes, alignment);
  left_ += heap_bytes(bytes);
}

}  // namespace sidenet
