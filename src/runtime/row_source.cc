#include "row_source.h"

#include <algorithm>
#include <cstddef>

namespace sidenet {

RowSource::RowSource(const RunInputs& inputs, const MicroBatch& most, int first, int end,
                     int threads)
    : inputs_(inputs),
      most_(most),
      next_(first),
      end_(end),
      shares_(threads > 1 && !inputs.texts ? 2 * threads : threads) {}

bool RowSource::take(int& first, int& last) {
  for (first = next_.load(); first < end_;) {
    last = bite_end(first);
    if (next_.compare_exchange_weak(first, last)) return true;
  }
  return false;
}

// A share of the work that is left, a row at least and a micro-batch at most.
int RowSource::bite_end(int first) const {
  const std::int64_t work = std::min<std::int64_t>(work_left(first) / shares_, most_.entries());
  const int last = std::min(end_, first + most_.rows);
  if (!inputs_.texts) return std::clamp(first + static_cast<int>(work), first + 1, last);
  const auto& offsets = inputs_.texts->offsets;
  const std::int64_t limit = offsets[static_cast<std::size_t>(first)] + work;
  const auto found =
      std::upper_bound(offsets.begin() + first + 1, offsets.begin() + last + 1, limit);
  return std::max(first + 1, static_cast<int>(found - offsets.begin()) - 1);
}

// Rows, or tokens of texts.
std::int64_t RowSource::work_left(int first) const {
  if (!inputs_.texts) return end_ - first;
  const auto& offsets = inputs_.texts->offsets;
  return offsets[static_cast<std::size_t>(end_)] - offsets[static_cast<std::size_t>(first)];
}

}  // namespace sidenet
