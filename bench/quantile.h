#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace sidenet::bench {

/// The value that `share` of the others lie below; 0.5: the median. `values` is not empty.
inline double quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

}  // namespace sidenet::bench
