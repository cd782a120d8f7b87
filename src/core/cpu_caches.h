#pragma once

#include <cstddef>

namespace sidenet {

/// A core's own caches, by which kernels are chosen and work is cut. Where the system does not
/// tell: 8 ways, 1 MiB.
struct CpuCaches {
  std::size_t first_level_ways;  ///< lines that may lie in one place of the data cache
  std::size_t second_level_bytes;
  bool large() const { return second_level_bytes >= std::size_t{3} << 19; }  ///< 1.5 MiB
};

/// Of this machine, the same on every call.
const CpuCaches& cpu_caches();

}  // namespace sidenet
