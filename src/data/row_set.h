#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace sidenet {

/// Some rows of a data set, ascending: a range, or of a range those whose bit is set. A row may
/// be one of four bytes, so a list of rows could be larger than its file.
class RowSet {
 public:
  /// Rows first … first + count - 1.
  RowSet(std::int64_t first, std::int64_t count) : first_(first), size_(count) {}

  std::int64_t size() const { return size_; }
  /// The i-th from 0; expects 0 <= i < size().
  std::int64_t operator[](std::int64_t i) const;

  /// Calls use(row), in order.
  template <typename Use>
  void for_each(Use use) const {
    if (words_.empty()) {
      for (std::int64_t i = 0; i < size_; ++i) use(first_ + i);
      return;
    }
    for (std::size_t word = 0; word < words_.size(); ++word) {
      for (std::uint64_t bits = words_[word]; bits != 0; bits &= bits - 1) use(row_of(word, bits));
    }
  }

  /// Its rows for which keep(row); asks for each once, in order.
  template <typename Keep>
  RowSet filtered(Keep keep) const {
    RowSet kept(first_, 0);
    kept.words_.resize(words_.empty() ? static_cast<std::size_t>(size_ / kBits) + 1
                                      : words_.size());
    for_each([&](std::int64_t row) {
      if (keep(row)) kept.set(row);
    });
    kept.count();
    return kept;
  }

 private:
  static constexpr std::int64_t kBits = 64;
  static constexpr std::size_t kWordsOfABlock = 8;

  std::int64_t row_of(std::size_t word, std::uint64_t bits) const {
    return first_ + static_cast<std::int64_t>(word) * kBits + std::countr_zero(bits);
  }
  void set(std::int64_t row) {
    const auto bit = static_cast<std::size_t>(row - first_);
    words_[bit / kBits] |= std::uint64_t{1} << (bit % kBits);
  }
  void count();

  std::int64_t first_, size_;
  std::vector<std::uint64_t> words_;  // none: the whole range
  std::vector<std::int64_t> before_;  // rows before each block of words
};

}  // namespace sidenet
