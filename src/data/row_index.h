#pragma once

#include <cstdint>
#include <vector>

namespace sidenet {

/// Where the records of text files begin, in what lines, and their classes: 10 bytes a row, since a
/// row may be one of four bytes ("a\t1\n") and its file as large as the disk.
class RowIndex {
 public:
  static constexpr std::uint64_t kRowBytes = 10;
  static constexpr std::size_t kMaxClasses = 65'536;

  void add(std::uint64_t begin, std::uint32_t line, int label);
  std::int64_t rows() const { return static_cast<std::int64_t>(labels_.size()); }
  // Throw std::out_of_range.
  std::uint64_t begin(std::int64_t row) const;
  std::uint32_t line(std::int64_t row) const { return lines_.at(static_cast<std::size_t>(row)); }
  int label(std::int64_t row) const { return labels_.at(static_cast<std::size_t>(row)); }
  /// Class i becomes class rank[i].
  void rename_classes(const std::vector<int>& rank);

 private:
  struct HighHalf {
    std::int64_t first_row;
    std::uint32_t value;
  };
  std::vector<HighHalf>
      highs_;  // of begins, where it changes: every 4 GiB, and where another file begins
  std::vector<std::uint32_t> lows_, lines_;
  std::vector<std::uint16_t> labels_;
};

}  // namespace sidenet
