#pragma once

#include <cstddef>

namespace sidenet::kernels {

/// An image that is averaged to pool x pool cells, as adaptive_avg_pool() does.
struct PoolGrid {
  int h, w, channels, pool;
  std::size_t features() const { return std::size_t(pool) * pool * channels; }
};

}  // namespace sidenet::kernels
