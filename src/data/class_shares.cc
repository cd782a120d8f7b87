#include "class_shares.h"

#include <algorithm>
#include <numeric>
#include <queue>
#include <utility>

namespace sidenet {
namespace {

__extension__ using Wide = __int128;

std::int64_t sum(const RowCounts& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
}

std::int64_t rows_of_rounds(const RowCounts& counts, std::int64_t rounds) {
  std::int64_t rows = 0;
  for (const std::int64_t count : counts) rows += std::min(count, rounds);
  return rows;
}

// Each class that has rows, but no share, takes one from the class that is the most above its own.
void give_each_one(const RowCounts& counts, std::int64_t wanted, RowCounts& shares) {
  const Wide total = sum(counts);
  const auto excess = [&](std::size_t c) { return shares[c] * total - Wide{wanted} * counts[c]; };
  std::priority_queue<std::pair<Wide, std::size_t>> donors;
  for (std::size_t c = 0; c < counts.size(); ++c) {
    if (shares[c] > 1) donors.emplace(excess(c), c);
  }
  for (std::size_t c = 0; c < counts.size(); ++c) {
    if (counts[c] == 0 || shares[c] > 0) continue;
    const std::size_t donor = donors.top().second;
    donors.pop();
    if (--shares[donor] > 1) donors.emplace(excess(donor), donor);
    shares[c] = 1;
  }
}

}  // namespace

RowCounts proportional_shares(const RowCounts& counts, std::int64_t wanted) {
  const std::int64_t total = sum(counts);
  if (wanted >= total) return counts;
  RowCounts shares;
  std::vector<std::pair<Wide, std::size_t>> remainders;  // negative: the largest come first
  for (std::size_t c = 0; c < counts.size(); ++c) {
    const Wide product = Wide{wanted} * counts[c];
    shares.push_back(static_cast<std::int64_t>(product / total));
    remainders.emplace_back(-(product % total), c);
  }
  std::sort(remainders.begin(), remainders.end());
  const std::int64_t left = wanted - sum(shares);
  for (std::int64_t i = 0; i < left; ++i) ++shares[remainders[static_cast<std::size_t>(i)].second];
  const auto with_rows = std::count_if(counts.begin(), counts.end(), [](auto n) { return n > 0; });
  if (wanted >= with_rows) give_each_one(counts, wanted, shares);
  return shares;
}

RowCounts shares_in_turn(const RowCounts& counts, std::int64_t wanted) {
  // The most whole rounds that fit.
  std::int64_t low = 0, high = counts.empty() ? 0 : *std::max_element(counts.begin(), counts.end());
  while (low < high) {
    const std::int64_t middle = high - (high - low) / 2;
    if (rows_of_rounds(counts, middle) <= wanted) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  std::int64_t left = wanted - rows_of_rounds(counts, low);
  RowCounts shares;
  for (const std::int64_t count : counts) {
    const bool one_more = count > low && left > 0;
    if (one_more) --left;
    shares.push_back(std::min(count, low) + (one_more ? 1 : 0));
  }
  return shares;
}

}  // namespace sidenet
