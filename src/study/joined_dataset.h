#pragma once

#include <memory>
#include <vector>

#include "sidenet/dataset.h"
#include "sidenet/error.h"

namespace sidenet {

/// Several data sets one after another, from row `first` on, with labels that are given instead of
/// the data's own. With `first` above 0 it is what a run that stopped has still to read.
class JoinedDataset : public Dataset {
 public:
  /// labels: one a row of all `parts`, `first` or not. Throws Error where some parts are images and
  /// some texts.
  JoinedDataset(std::vector<std::shared_ptr<const Dataset>> parts, std::vector<int> labels,
                std::int64_t first)
      : parts_(std::move(parts)), labels_(std::move(labels)), first_(first) {
    for (const auto& part : parts_) {
      if (part->kind() != kind()) {
        throw Error(part->name(0) + ": expected " + (kind() == Kind::texts ? "texts" : "images") +
                    ", as in " + parts_[0]->name(0) + ", got " +
                    (kind() == Kind::texts ? "images" : "texts"));
      }
      notes_.insert(notes_.end(), part->notes().begin(), part->notes().end());
    }
  }

  Kind kind() const override { return parts_.at(0)->kind(); }
  const std::vector<std::string>& notes() const override { return notes_; }
  std::int64_t rows() const override { return static_cast<std::int64_t>(labels_.size()) - first_; }
  int label(std::int64_t row) const override {
    return labels_.at(static_cast<std::size_t>(first_ + row));
  }
  const std::vector<std::string>& class_names() const override { return class_names_; }
  std::string name(std::int64_t row) const override {
    const Place place = find(row);
    return place.part->name(place.row);
  }
  Tensor image(std::int64_t row) const override {
    const Place place = find(row);
    return place.part->image(place.row);
  }
  PictureFacts picture_facts(std::int64_t row) const override {
    const Place place = find(row);
    return place.part->picture_facts(place.row);
  }
  Text text(std::int64_t row) const override {
    const Place place = find(row);
    return place.part->text(place.row);
  }
  std::uint64_t digest(std::int64_t row) const override {
    const Place place = find(row);
    return place.part->digest(place.row);
  }
  std::pair<Tensor, std::uint64_t> digested_image(std::int64_t row) const override {
    const Place place = find(row);
    return place.part->digested_image(place.row);
  }

 private:
  struct Place {
    const Dataset* part;
    std::int64_t row;
  };
  Place find(std::int64_t row) const {
    row += first_;
    std::size_t part = 0;
    while (part + 1 < parts_.size() && row >= parts_[part]->rows()) row -= parts_[part++]->rows();
    return {parts_.at(part).get(), row};
  }

  std::vector<std::shared_ptr<const Dataset>> parts_;
  std::vector<int> labels_;
  std::int64_t first_;
  std::vector<std::string> notes_;
  std::vector<std::string> class_names_;  // empty: the labels are classes already
};

}  // namespace sidenet
