#include "cpu_caches.h"

#include <unistd.h>

namespace sidenet {
namespace {

std::size_t ask(int name, std::size_t otherwise) {
  const long value = ::sysconf(name);
  return value > 0 ? static_cast<std::size_t>(value) : otherwise;
}

}  // namespace

const CpuCaches& cpu_caches() {
#if defined(_SC_LEVEL1_DCACHE_ASSOC) && defined(_SC_LEVEL2_CACHE_SIZE)
  static const CpuCaches caches{ask(_SC_LEVEL1_DCACHE_ASSOC, 8),
                                ask(_SC_LEVEL2_CACHE_SIZE, std::size_t{1} << 20)};
#else
  static const CpuCaches caches{8, std::size_t{1} << 20};
#endif
  return caches;
}

}  // namespace sidenet
