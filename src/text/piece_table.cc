#include "piece_table.h"

#include <algorithm>
#include <bit>

namespace sidenet {

std::uint64_t PieceHash::of(std::string_view text) const {
  std::uint64_t hash = kSeed;
  for (char byte : text) hash = add(hash, byte);
  return hash;
}

void PieceTable::reset(std::size_t count, PieceHash hash) {
  hash_ = hash;
  longest_ = longest_run_ = 0;
  const std::size_t slots = std::bit_ceil(std::max<std::size_t>(count, 1) * 2);
  slots_.assign(slots, Slot{});
  mask_ = slots - 1;
  shift_ = 64 - static_cast<unsigned>(std::countr_zero(slots));
}

std::pair<PieceTable::Added, std::int32_t> PieceTable::add(std::int32_t index) {
  // In half full tables of a million strings that nobody chose runs reach about 70, and three of
  // one tag are rare.
  constexpr std::size_t kLongestRun = 128, kMostOfOneTag = 4;
  const std::string_view text = string(index);
  const std::uint64_t hash = hash_.of(text);
  const std::uint32_t tag = tag_of(hash);
  std::size_t at = hash >> shift_;
  std::size_t run = 0, of_this_tag = 0;
  for (; slots_[at].index >= 0; ++run, at = (at + 1) & mask_) {
    if (slots_[at].tag != tag) continue;
    if (string(slots_[at].index) == text) return {Added::is_there, slots_[at].index};
    ++of_this_tag;
  }
  if (run > kLongestRun || of_this_tag >= kMostOfOneTag) return {Added::too_many_collisions, index};
  slots_[at] = {tag, index};
  longest_run_ = std::max(longest_run_, run);
  longest_ = std::max(longest_, text.size());
  return {Added::yes, index};
}

}  // namespace sidenet
