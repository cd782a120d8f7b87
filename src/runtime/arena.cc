#include "arena.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace sidenet {

namespace {

/// Buffers that are placed, by the steps at which they are alive: few at each, however many there
/// are in all.
class PlacedBuffers {
 public:
  explicit PlacedBuffers(const std::vector<Lifetime>& buffers)
      : seen_(buffers.size(), buffers.size()) {
    std::size_t steps = 0;
    for (const Lifetime& buffer : buffers) steps = std::max(steps, buffer.last + 1);
    alive_.resize(steps);
  }
  void add(std::size_t buffer, const Lifetime& life) {
    for (std::size_t step = life.first; step <= life.last; ++step) alive_[step].push_back(buffer);
  }
  /// Calls use(placed) once for each that shares a step with `buffer`.
  template <typename Use>
  void for_each_beside(std::size_t buffer, const Lifetime& life, const Use& use) {
    for (std::size_t step = life.first; step <= life.last; ++step) {
      for (const std::size_t placed : alive_[step]) {
        if (std::exchange(seen_[placed], buffer) != buffer) use(placed);
      }
    }
  }

 private:
  std::vector<std::vector<std::size_t>> alive_;
  std::vector<std::size_t> seen_;  // of each: the last buffer that it was beside
};

}  // namespace

std::vector<std::size_t> place_buffers(const std::vector<Lifetime>& buffers, std::size_t& total) {
  std::vector<std::size_t> order(buffers.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return buffers[a].size > buffers[b].size; });
  const auto rounded = [&](std::size_t i) { return (buffers[i].size + 15) / 16 * 16; };
  std::vector<std::size_t> offsets(buffers.size(), 0);
  PlacedBuffers placed(buffers);
  total = 0;
  for (const std::size_t i : order) {
    std::vector<std::pair<std::size_t, std::size_t>> taken;  // by those alive at the same time
    placed.for_each_beside(i, buffers[i], [&](std::size_t j) {
      taken.emplace_back(offsets[j], offsets[j] + rounded(j));
    });
    std::sort(taken.begin(), taken.end());
    std::size_t offset = 0;
    for (const auto& [begin, end] : taken) {
      if (offset + rounded(i) <= begin) break;
      offset = std::max(offset, end);
    }
    offsets[i] = offset;
    placed.add(i, buffers[i]);
    total = std::max(total, offset + rounded(i));
  }
  return offsets;
}

}  // namespace sidenet
