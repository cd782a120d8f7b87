#include "readable_rows.h"

#include <vector>

#include "left_out.h"
#include "row_set.h"
#include "row_view.h"
#include "sidenet/error.h"
#include "text_encoding.h"

namespace sidenet {
namespace {

struct Found {
  std::string why;  ///< empty: it can be read
  bool is_blank = false;
};

Found look_at(const Dataset& data, std::int64_t row) {
  try {
    if (data.kind() == Dataset::Kind::images) {
      data.image(row);
    } else if (trimmed(data.text(row).first).empty()) {
      return {data.name(row) + ": empty text", true};
    }
    return {};
  } catch (const std::exception& error) {  // must not leave the parallel loop
    return {error.what(), false};
  }
}

class ReadableRows : public RowView {
 public:
  ReadableRows(std::shared_ptr<const Dataset> data, RowSet rows, std::vector<std::string> notes,
               std::int64_t left_out)
      : RowView(std::move(data)),
        rows_(std::move(rows)),
        notes_(RowView::notes()),
        left_out_(left_out) {
    notes_.insert(notes_.end(), notes.begin(), notes.end());
  }

  const std::vector<std::string>& notes() const override { return notes_; }
  std::int64_t rows() const override { return rows_.size(); }
  std::int64_t left_out() const override { return left_out_; }

 private:
  std::int64_t inner(std::int64_t row) const override { return rows_[row]; }

  RowSet rows_;
  std::vector<std::string> notes_;
  std::int64_t left_out_;
};

void refuse_blank(const LeftOut& blank) {
  throw Error(blank.first() + (blank.rows() == 1
                                   ? "; the only such file: give --drop-empty to leave it out"
                                   : "; " + std::to_string(blank.rows()) +
                                         " such files: give --drop-empty to leave them out"));
}

}  // namespace

std::shared_ptr<const Dataset> readable_rows(std::shared_ptr<const Dataset> data,
                                             const DatasetOptions& options) {
  const std::int64_t rows = data->rows();
  std::vector<Found> found(static_cast<std::size_t>(rows));
#pragma omp parallel for schedule(dynamic, 16)
  for (std::int64_t row = 0; row < rows; ++row)
    found[static_cast<std::size_t>(row)] = look_at(*data, row);

  LeftOut broken, blank;
  for (std::int64_t row = 0; row < rows; ++row) {
    const auto& [why, is_blank] = found[static_cast<std::size_t>(row)];
    if (why.empty()) continue;
    if (!is_blank && !options.skip_broken) throw Error(why);
    (is_blank ? blank : broken).add(data->name(row), why);
  }
  if (broken.rows() + blank.rows() == 0) return data;
  if (blank.rows() > 0 && !options.columns.drop_empty && !options.skip_broken) refuse_blank(blank);
  std::vector<std::string> notes;
  if (broken.rows() > 0) notes.push_back(broken.note("that cannot be read"));
  if (blank.rows() > 0) notes.push_back(blank.note("without a text"));
  RowSet kept = RowSet(0, rows).filtered(
      [&](std::int64_t row) { return found[static_cast<std::size_t>(row)].why.empty(); });
  if (kept.size() == 0)
    throw Error("data: expected a row that can be read, got none: " +
                (broken.rows() > 0 ? broken : blank).first());
  return std::make_shared<ReadableRows>(std::move(data), std::move(kept), notes,
                                        broken.rows() + blank.rows());
}

}  // namespace sidenet
