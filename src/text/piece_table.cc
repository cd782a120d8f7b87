#include "piece_table.h"

#include <algorithm>
#include <bit>

namespace sidenet {

std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = kHashSeed;
  for (char byte : text) hash = hash_byte(hash, byte);
  return hash;
}

void PieceTable::reserve(std::size_t count) {
  const std::size_t slots = std::bit_ceil(std::max<std::size_t>(count, 1) * 2);
  slots_.assign(slots, Slot{});
  mask_ = slots - 1;
  shift_ = 64 - static_cast<unsigned>(std::countr_zero(slots));
}

std::pair<PieceTable::Added, std::int32_t> PieceTable::add(std::int32_t index) {
  constexpr std::size_t kLongestRun = 1024;
  const std::string_view text = string(index);
  const std::uint64_t hash = hash_of(text);
  const auto tag = static_cast<std::uint32_t>(hash);
  std::size_t at = hash >> shift_;
  for (std::size_t run = 0; slots_[at].index >= 0; ++run, at = (at + 1) & mask_) {
    if (slots_[at].tag == tag && string(slots_[at].index) == text) return {Added::is_there, slots_[at].index};
    if (run == kLongestRun) return {Added::too_many_collisions, slots_[at].index};
  }
  slots_[at] = {tag, index};
  longest_ = std::max(longest_, text.size());
  return {Added::yes, index};
}

}  // namespace sidenet
