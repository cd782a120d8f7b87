#pragma once

#include <cstddef>
#include <vector>

namespace sidenet {

/// A buffer needed from step `first` to step `last`, both included.
struct Lifetime {
  std::size_t first = 0, last = 0;
  std::size_t size = 0;  ///< floats
};

/// Places buffers so that those alive at the same step never overlap: largest first, each at the
/// lowest offset that is free. Offsets are multiples of 16 floats. `total` receives the arena's
/// size.
std::vector<std::size_t> place_buffers(const std::vector<Lifetime>& buffers, std::size_t& total);

}  // namespace sidenet
