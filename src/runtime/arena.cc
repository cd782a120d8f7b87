#include "arena.h"

#include <algorithm>
#include <numeric>

namespace sidenet {

std::vector<std::size_t> place_buffers(const std::vector<Lifetime>& buffers, std::size_t& total) {
  std::vector<std::size_t> order(buffers.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return buffers[a].size > buffers[b].size; });
  const auto rounded = [&](std::size_t i) { return (buffers[i].size + 15) / 16 * 16; };
  std::vector<std::size_t> offsets(buffers.size(), 0), placed;
  total = 0;
  for (const std::size_t i : order) {
    std::vector<std::pair<std::size_t, std::size_t>> taken;  // by those alive at the same time
    for (const std::size_t j : placed) {
      if (buffers[j].first <= buffers[i].last && buffers[i].first <= buffers[j].last)
        taken.emplace_back(offsets[j], offsets[j] + rounded(j));
    }
    std::sort(taken.begin(), taken.end());
    std::size_t offset = 0;
    for (const auto& [begin, end] : taken) {
      if (offset + rounded(i) <= begin) break;
      offset = std::max(offset, end);
    }
    offsets[i] = offset;
    placed.push_back(i);
    total = std::max(total, offset + rounded(i));
  }
  return offsets;
}

}  // namespace sidenet
