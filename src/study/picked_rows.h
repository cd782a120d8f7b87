#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "row_view.h"

namespace sidenet {

/// Some rows of a data set, in the order given.
class PickedRows : public RowView {
 public:
  PickedRows(std::shared_ptr<const Dataset> data, std::vector<std::int64_t> rows)
      : RowView(std::move(data)), rows_(std::move(rows)) {}
  std::int64_t rows() const override { return static_cast<std::int64_t>(rows_.size()); }

 private:
  std::int64_t inner(std::int64_t row) const override {
    return rows_.at(static_cast<std::size_t>(row));
  }
  std::vector<std::int64_t> rows_;
};

}  // namespace sidenet
