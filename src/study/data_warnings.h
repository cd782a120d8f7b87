#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "balanced_accuracy.h"
#include "sidenet/dataset.h"
#include "sidenet/model.h"
#include "sidenet/tensor.h"

namespace sidenet {

/// The classes that logits (rows, classes) of some rows answer, against their labels.
ClassCounts count_answers(const Tensor& logits, std::span<const int> labels);

/// Where MainNet's answers say that labels or inputs are not those of its training: no better than
/// chance, or a class never answered. Nothing where rows are too few to tell. A line each.
std::vector<std::string> warnings_of_answers(const Model& model, const ClassCounts& counts);

/// Where pictures are much smaller than what they are resized to, or all of one size and much
/// larger; nothing where the user chose the size. Decodes some of them. Of texts nothing.
std::vector<std::string> warnings_of_pictures(const Model& model, const Dataset& data);

/// Classes of the model that no row has: one line, or none. all: also where rows are so few that
/// some classes are likely to have none.
std::vector<std::string> warnings_of_missing_classes(const Model& model, const ClassCounts& counts,
                                                     bool all);

/// The class folders of pictures; 0: other data.
std::size_t class_folders(const Dataset& data);
std::size_t class_folders(const std::vector<std::shared_ptr<const Dataset>>& parts);

/// All of these, for rows that MainNet has answered. folders: class_folders() of the data.
std::vector<std::string> data_warnings(const Model& model, const Dataset& data,
                                       const ClassCounts& counts, std::size_t folders);

}  // namespace sidenet
