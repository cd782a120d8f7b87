#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sidenet/dataset.h"

namespace sidenet {

/// Some rows of another data set: which, and in what order, inner() says.
class RowView : public Dataset {
 public:
  explicit RowView(std::shared_ptr<const Dataset> data) : data_(std::move(data)) {}
  Kind kind() const override { return data_->kind(); }
  const std::vector<std::string>& notes() const override { return data_->notes(); }
  LabelsFrom labels_from() const override { return data_->labels_from(); }
  std::int64_t rows_in_all() const override { return data_->rows_in_all(); }
  std::int64_t left_out() const override { return data_->left_out(); }
  int label(std::int64_t row) const override { return data_->label(inner(row)); }
  const std::vector<std::string>& class_names() const override { return data_->class_names(); }
  std::string name(std::int64_t row) const override { return data_->name(inner(row)); }
  Tensor image(std::int64_t row) const override { return data_->image(inner(row)); }
  PictureFacts picture_facts(std::int64_t row) const override {
    return data_->picture_facts(inner(row));
  }
  Text text(std::int64_t row) const override { return data_->text(inner(row)); }
  std::uint64_t digest(std::int64_t row) const override { return data_->digest(inner(row)); }
  std::pair<Tensor, std::uint64_t> digested_image(std::int64_t row) const override {
    return data_->digested_image(inner(row));
  }

 protected:
  /// The row of the other data set. Throws Error where there is none.
  virtual std::int64_t inner(std::int64_t row) const = 0;
  const Dataset& data() const { return *data_; }

 private:
  std::shared_ptr<const Dataset> data_;
};

}  // namespace sidenet
