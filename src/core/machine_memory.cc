#include "machine_memory.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>

#include "sidenet/error.h"

namespace sidenet {
namespace {

constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

// Of this process's control group, as a container sees it; without one, or without a number, none.
std::uint64_t group_limit() {
  for (const char* path :
       {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    std::uint64_t bytes = 0;
    if (std::ifstream(path) >> bytes) return bytes;
  }
  return kNoLimit;
}

std::uint64_t own_limit() {
  rlimit limit{};
  const bool known = ::getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
  return known ? static_cast<std::uint64_t>(limit.rlim_cur) : kNoLimit;
}

std::uint64_t physical_memory() {
  const long pages = ::sysconf(_SC_PHYS_PAGES), page = ::sysconf(_SC_PAGESIZE);
  return pages > 0 && page > 0
             ? static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page)
             : kNoLimit;
}

}  // namespace

std::uint64_t machine_memory() { return std::min({physical_memory(), own_limit(), group_limit()}); }

bool fits_memory(std::uint64_t bytes) {
  constexpr std::uint64_t kNoLook = std::uint64_t{1}
                                    << 28;  // fewer bytes are worth no look at the system's files
  return bytes <= kNoLook || bytes <= machine_memory();
}

void require_memory(std::uint64_t bytes, const std::string& what) {
  if (fits_memory(bytes)) return;
  throw Error(what + ": expected at most " + std::to_string(machine_memory()) +
              " bytes of memory, all that there is, got " + std::to_string(bytes));
}

}  // namespace sidenet
