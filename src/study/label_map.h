#pragma once

#include <span>
#include <string>
#include <vector>

#include "sidenet/dataset.h"
#include "sidenet/model.h"

namespace sidenet {

/// A model's classes, as data is matched to them.
struct ModelClasses {
  std::vector<std::string> labels;
  std::vector<std::string> data_labels{};  ///< Model::data_labels()
  bool named = false;  ///< somebody gave the labels, even where they are only numbers
};
ModelClasses classes_of(const Model& model);

struct LabelMap {
  std::vector<int> of_rows;  ///< the model's class of each row, of all parts one after another
  /// The data's label of each class of the model ("": none), where names did not tell it; else
  /// empty.
  std::vector<std::string> data_labels;
  std::vector<std::string> notes;  ///< what was not matched by name, a line each
};

/// Matches the classes of all `parts`, at once, to the model's
/// - as DatasetOptions::labels_from says;
/// - else as the model's training took them, where it has seen all of them;
/// - by name: as written, else without regard to the case of A to Z, or as numbers of one value;
/// - whole numbers (also "LABEL_3", "1.0") from 0 or from 1; of class folders also by their place
///   when sorted as text. Where several of these fit and differ, it is an Error.
/// Labels of a model that are only numbers ("0", "1", …) are no names, unless its training saw
/// them. Data without class names gives classes directly (from 1: one more). Throws Error naming
/// the first class or row that does not fit, or the readings between which an option decides.
LabelMap map_labels(std::span<const Dataset* const> parts, const ModelClasses& model);
LabelMap map_labels(const Dataset& data, const ModelClasses& model);

/// "cat, dog, … (10)", for messages.
std::string label_summary(const std::vector<std::string>& labels);

}  // namespace sidenet
