#include "large_buffer.h"

#include <sys/mman.h>

#include <cstdlib>
#include <limits>
#include <new>

namespace sidenet {

std::shared_ptr<std::byte> allocate_large(std::size_t bytes) {
  constexpr std::size_t kHugePage = std::size_t{2} << 20;
  if (bytes > std::numeric_limits<std::size_t>::max() - kHugePage) throw std::bad_alloc();
  const std::size_t alignment = bytes >= kHugePage ? kHugePage : 64;
  const std::size_t rounded = (bytes + 63) / 64 * 64;
  void* data = nullptr;
  if (::posix_memalign(&data, alignment, rounded == 0 ? 64 : rounded) != 0) throw std::bad_alloc();
  // Only whole huge pages: the rest would be rounded up, memory that nobody asked for.
  if (const std::size_t whole = rounded / kHugePage * kHugePage; whole > 0)
    ::madvise(data, whole, MADV_HUGEPAGE);
  return {static_cast<std::byte*>(data), [](std::byte* p) { std::free(p); }};
}

}  // namespace sidenet
