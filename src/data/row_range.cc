#include "row_range.h"

#include <algorithm>

#include "sidenet/error.h"

namespace sidenet {
namespace {

class RowRange : public Dataset {
 public:
  RowRange(std::shared_ptr<const Dataset> data, std::int64_t first, std::int64_t rows,
           LabelsFrom labels_from)
      : data_(std::move(data)), first_(first), rows_(rows), labels_from_(labels_from) {}

  Kind kind() const override { return data_->kind(); }
  const std::vector<std::string>& notes() const override { return data_->notes(); }
  LabelsFrom labels_from() const override { return labels_from_; }
  std::int64_t rows() const override { return rows_; }
  int label(std::int64_t row) const override { return data_->label(inner(row)); }
  const std::vector<std::string>& class_names() const override { return data_->class_names(); }
  std::string name(std::int64_t row) const override { return data_->name(inner(row)); }
  Tensor image(std::int64_t row) const override { return data_->image(inner(row)); }
  Text text(std::int64_t row) const override { return data_->text(inner(row)); }
  std::uint64_t digest(std::int64_t row) const override { return data_->digest(inner(row)); }
  std::pair<Tensor, std::uint64_t> digested_image(std::int64_t row) const override {
    return data_->digested_image(inner(row));
  }

 private:
  std::int64_t inner(std::int64_t row) const {
    if (row < 0 || row >= rows_) {
      throw Error("data: row: expected 0 to " + std::to_string(rows_ - 1) + ", got " +
                  std::to_string(row));
    }
    return first_ + row;
  }

  std::shared_ptr<const Dataset> data_;
  std::int64_t first_, rows_;
  LabelsFrom labels_from_;
};

}  // namespace

std::shared_ptr<const Dataset> row_range(std::shared_ptr<const Dataset> data,
                                         const DatasetOptions& options, const std::string& spec) {
  if (options.limit < -1 || options.limit == 0) {
    throw Error("data: limit: expected at least 1, or -1 for all rows, got " +
                std::to_string(options.limit));
  }
  if (options.skip < 0 || options.skip >= data->rows()) {
    throw Error("data: skip: expected 0 to " + std::to_string(data->rows() - 1) + ", as " + spec +
                " has " + std::to_string(data->rows()) + " rows, got " +
                std::to_string(options.skip));
  }
  const std::int64_t left = data->rows() - options.skip;
  return std::make_shared<RowRange>(std::move(data), options.skip,
                                    options.limit < 0 ? left : std::min(left, options.limit),
                                    options.labels_from);
}

}  // namespace sidenet
