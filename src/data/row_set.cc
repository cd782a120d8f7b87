#include "row_set.h"

#include <algorithm>

namespace sidenet {

void RowSet::count() {
  size_ = 0;
  for (std::size_t word = 0; word < words_.size(); ++word) {
    if (word % kWordsOfABlock == 0) before_.push_back(size_);
    size_ += std::popcount(words_[word]);
  }
}

std::int64_t RowSet::operator[](std::int64_t i) const {
  if (words_.empty()) return first_ + i;
  const auto behind = std::upper_bound(before_.begin(), before_.end(), i);
  const auto block = static_cast<std::size_t>(behind - before_.begin()) - 1;
  std::int64_t left = i - before_[block];
  std::size_t word = block * kWordsOfABlock;
  for (; left >= std::popcount(words_[word]); ++word) left -= std::popcount(words_[word]);
  std::uint64_t bits = words_[word];
  for (; left > 0; --left) bits &= bits - 1;
  return row_of(word, bits);
}

}  // namespace sidenet
