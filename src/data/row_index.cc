#include "row_index.h"

#include <algorithm>

namespace sidenet {

void RowIndex::add(std::uint64_t begin, std::uint32_t line, int label) {
  const auto high = static_cast<std::uint32_t>(begin >> 32);
  if (highs_.empty() || highs_.back().value != high) highs_.push_back({rows(), high});
  lows_.push_back(static_cast<std::uint32_t>(begin));
  lines_.push_back(line);
  labels_.push_back(static_cast<std::uint16_t>(label));
}

std::uint64_t RowIndex::begin(std::int64_t row) const {
  const std::uint64_t low = lows_.at(static_cast<std::size_t>(row));
  const auto behind = std::upper_bound(
      highs_.begin(), highs_.end(), row,
      [](std::int64_t wanted, const HighHalf& high) { return wanted < high.first_row; });
  return std::uint64_t{std::prev(behind)->value} << 32 | low;
}

void RowIndex::rename_classes(const std::vector<int>& rank) {
  for (std::uint16_t& label : labels_) label = static_cast<std::uint16_t>(rank.at(label));
}

}  // namespace sidenet
