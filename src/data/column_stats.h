#pragma once

#include <set>
#include <string>
#include <vector>

#include "text_records.h"

namespace sidenet {

/// What a column's cells are like; memory is bounded by kMaxGuessedClasses short cells.
class ColumnStats {
 public:
  void add(const Cell& cell);
  std::int64_t rows() const { return rows_; }
  double mean_bytes() const {
    return rows_ == 0 ? 0.0 : static_cast<double>(bytes_) / static_cast<double>(rows_);
  }
  /// Few distinct short values, most of them without a blank.
  bool is_label_like() const;
  /// More than half of the cells have several words.
  bool is_text_like() const;
  /// Cells are long, or of very many values.
  bool is_long() const { return !is_short_; }
  /// Each value occurs about twice or more, and `value` is none of them.
  bool is_stranger(const std::string& value) const;

 private:
  std::int64_t rows_ = 0, with_blank_ = 0, empty_ = 0;
  std::uint64_t bytes_ = 0;
  bool is_plain_ = true;  // every cell holds a text
  bool is_short_ =
      true;  // no cell is long, and there are few distinct ones; else `distinct_` is empty
  std::set<std::string, std::less<>>
      distinct_;  // sorted: a file could make the values of a hash table collide
};

/// One a column, of the records from `reader` on, 64 Mi cells of them at most. Throws Error as
/// RecordReader::next.
std::vector<ColumnStats> column_stats(const FileBytes& file, RecordReader reader,
                                      std::size_t columns);

}  // namespace sidenet
