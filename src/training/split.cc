#include "split.h"

#include <algorithm>
#include <cmath>

#include "random.h"

namespace sidenet {

Split split_rows(const std::vector<std::uint64_t>& groups, double share, std::uint64_t seed) {
  // A group's rank among the hashes of all groups decides.
  const auto hash = [seed](std::uint64_t group) { return Random(seed, group).next(); };
  std::vector<std::uint64_t> hashes;
  hashes.reserve(groups.size());
  for (const std::uint64_t group : groups) hashes.push_back(hash(group));
  std::vector<std::uint64_t> distinct = hashes;
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());

  std::size_t kept_out = 0;
  if (share > 0 && distinct.size() >= 2) {
    const auto wanted =
        static_cast<std::size_t>(std::llround(share * static_cast<double>(distinct.size())));
    kept_out = std::clamp<std::size_t>(wanted, 1, distinct.size() - 1);
  }
  Split split;
  for (std::size_t row = 0; row < hashes.size(); ++row) {
    const bool out = kept_out > 0 && hashes[row] <= distinct[kept_out - 1];
    (out ? split.holdout : split.training).push_back(static_cast<std::int64_t>(row));
  }
  return split;
}

}  // namespace sidenet
