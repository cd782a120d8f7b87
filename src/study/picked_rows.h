#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sidenet/dataset.h"

namespace sidenet {

/// Some rows of a data set, in the order given.
class PickedRows : public Dataset {
 public:
  PickedRows(std::shared_ptr<const Dataset> data, std::vector<std::int64_t> rows)
      : data_(std::move(data)), rows_(std::move(rows)) {}
  Kind kind() const override { return data_->kind(); }
  const std::vector<std::string>& notes() const override { return data_->notes(); }
  std::int64_t rows() const override { return static_cast<std::int64_t>(rows_.size()); }
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
  std::int64_t inner(std::int64_t row) const { return rows_.at(static_cast<std::size_t>(row)); }
  std::shared_ptr<const Dataset> data_;
  std::vector<std::int64_t> rows_;
};

}  // namespace sidenet
