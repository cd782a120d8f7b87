#pragma once

#include <cstdint>
#include <vector>

namespace sidenet {

/// Which side of the split each row is on.
struct Split {
  std::vector<std::int64_t> training, holdout;  ///< row indices, ascending
};

/// Keeps out about `share` of the groups, chosen by `seed`; rows of one group (mirrored copies, a
/// row given twice) stay together. The choice of a group depends on its value and on the others',
/// not on the order of rows. With share > 0 and two groups or more, neither side is empty. groups:
/// one a row.
Split split_rows(const std::vector<std::uint64_t>& groups, double share, std::uint64_t seed);

}  // namespace sidenet
