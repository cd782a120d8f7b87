#include "column_stats.h"

#include <algorithm>

#include "text_encoding.h"

namespace sidenet {
namespace {

constexpr std::size_t kMaxGuessedClasses = 1000, kMaxLabelBytes = 64;

}  // namespace

void ColumnStats::add(const Cell& cell) {
  ++rows_;
  if (cell.problem != nullptr) {
    is_plain_ = false;
    return;
  }
  const std::string_view text = trimmed(cell.text);
  bytes_ += text.size();
  if (text.empty()) ++empty_;
  if (text.find(' ') != std::string_view::npos) ++with_blank_;
  if (!is_short_) return;
  is_short_ = text.size() <= kMaxLabelBytes;
  if (is_short_ && !distinct_.contains(text)) {
    distinct_.emplace(text);
    is_short_ = distinct_.size() <= kMaxGuessedClasses;
  }
  if (!is_short_) distinct_.clear();
}

bool ColumnStats::is_label_like() const {
  // A tenth of the rows says little where there are few.
  const std::int64_t few =
      std::max({std::int64_t{2}, rows_ / 10, std::min(std::int64_t{10}, rows_ / 2)});
  return is_plain_ && is_short_ && empty_ == 0 && 2 * with_blank_ <= rows_ &&
         static_cast<std::int64_t>(distinct_.size()) <= few;
}

bool ColumnStats::is_text_like() const { return is_plain_ && 2 * with_blank_ > rows_; }

bool ColumnStats::is_stranger(const std::string& value) const {
  return is_plain_ && is_short_ && rows_ >= 2 * static_cast<std::int64_t>(distinct_.size()) &&
         rows_ > 0 && !distinct_.contains(trimmed(value));
}

std::vector<ColumnStats> column_stats(const FileBytes& file, RecordReader reader,
                                      std::size_t columns) {
  PassedPages passed(file);
  std::vector<ColumnStats> stats(columns);
  // A .jsonl row of three bytes has as many cells as the first line has keys.
  constexpr std::size_t kMaxCells = std::size_t{1} << 26;
  std::size_t rows = kMaxCells / std::max<std::size_t>(columns, 1);
  for (Record record; rows > 0 && next_readable(reader, record); --rows) {
    for (std::size_t i = 0; i < columns; ++i) stats[i].add(record.cells.at(i));
    passed.at(record.begin);
  }
  return stats;
}

}  // namespace sidenet
