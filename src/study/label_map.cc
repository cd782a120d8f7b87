#include "label_map.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "class_names.h"
#include "file_bytes.h"
#include "label_readings.h"
#include "sidenet/error.h"
#include "text_encoding.h"

namespace sidenet {
namespace {

constexpr std::size_t kShownBytes = 24;

std::string shown(const std::string& label) { return excerpt(label, kShownBytes); }

/// The one decision over all parts.
class Mapping {
 public:
  Mapping(std::span<const Dataset* const> parts, const ModelClasses& model)
      : parts_(parts), model_(model) {
    std::set<std::string> unique;
    for (const Dataset* part : parts_) {
      if (part->labels_from() != parts_[0]->labels_from()) {
        throw Error("labels_from: expected the same for all data of a run, got " +
                    std::string(name_of(part->labels_from())) + " and " +
                    name_of(parts_[0]->labels_from()));
      }
      unique.insert(part->class_names().begin(), part->class_names().end());
      has_folders_ =
          has_folders_ || (part->kind() == Dataset::Kind::images && !part->class_names().empty());
    }
    const std::vector<std::string> names(unique.begin(), unique.end());
    for (const std::size_t index : sorted_order(names)) {
      places_.emplace(names[index], names_.size());
      names_.push_back(names[index]);
    }
    for (std::size_t i = 0; i < model_.data_labels.size(); ++i) {
      if (!model_.data_labels[i].empty()) trained_.emplace(model_.data_labels[i], i);
    }
    if (!parts_.empty()) option_ = parts_[0]->labels_from();
  }

  LabelMap map() {
    if (!names_.empty()) classes_ = decide();
    for (const Dataset* part : parts_) add_rows(*part);
    return std::move(map_);
  }

 private:
  std::vector<int> decide() {
    if (option_ != LabelsFrom::automatic) return keep(wanted_reading(), true);
    if (const auto known = trained_classes()) return *known;
    const std::vector<int> by_name = match_names(names_, model_.labels);
    const auto unknown = std::find(by_name.begin(), by_name.end(), kUnknownClass);
    const bool is_unnamed = !model_.named && are_plain_numbers(model_.labels);
    if (unknown == by_name.end() && !is_unnamed) return by_name;
    std::vector<LabelReading> readings =
        number_readings(names_, model_.labels.size(), has_folders_);
    const std::vector<LabelReading> all = readings;
    std::erase_if(readings, [&](const auto& reading) { return conflict(reading).has_value(); });
    if (readings.size() > 1) fail_ambiguous(readings[0], readings[1]);
    if (readings.size() == 1) return keep(readings[0], readings[0].classes != by_name);
    if (!all.empty()) fail_as_trained(all[0]);
    fail_unknown(static_cast<std::size_t>(unknown - by_name.begin()), is_unnamed);
  }

  LabelReading wanted_reading() const {
    const std::size_t count = model_.labels.size();
    const std::string option = std::string("--labels-from ") + name_of(option_);
    if (option_ == LabelsFrom::sorted) {
      if (names_.size() == count) return sorted_reading(names_);
      throw Error(option + ": expected as many labels in the data as the model has classes, " +
                  std::to_string(count) + ", got " + label_summary(names_));
    }
    LabelReading reading = counted_reading(names_, option_ == LabelsFrom::one ? 1 : 0, count);
    const auto bad = std::find(reading.classes.begin(), reading.classes.end(), kUnknownClass);
    if (bad == reading.classes.end()) return reading;
    const auto name = static_cast<std::size_t>(bad - reading.classes.begin());
    const std::size_t first = option_ == LabelsFrom::one ? 1 : 0;
    throw Error(row_of(name) + ": label: " + option + " expects " + std::to_string(first) + " to " +
                std::to_string(first + count - 1) + ", got " + shown(names_[name]));
  }

  /// As in training, where that saw all of them.
  std::optional<std::vector<int>> trained_classes() const {
    std::vector<int> classes;
    for (const std::string& name : names_) {
      const auto found = trained_.find(name);
      if (found == trained_.end()) return std::nullopt;
      classes.push_back(found->second);
    }
    return classes;
  }

  /// The first name that training took for another class.
  std::optional<std::size_t> conflict(const LabelReading& reading) const {
    for (std::size_t i = 0; i < names_.size(); ++i) {
      const auto found = trained_.find(names_[i]);
      if (found != trained_.end() && found->second != reading.classes[i]) return i;
    }
    return std::nullopt;
  }

  std::vector<int> keep(const LabelReading& reading, bool tell) {
    map_.data_labels.resize(model_.labels.size());
    for (std::size_t i = 0; i < names_.size(); ++i)
      map_.data_labels[static_cast<std::size_t>(reading.classes[i])] = names_[i];
    if (!tell) return reading.classes;
    std::string note = "labels: the data's " + label_summary(names_) + ", " + reading.words +
                       ", are taken for the model's classes, " + label_summary(model_.labels);
    if (conflict(reading)) note += ", not as in training";
    map_.notes.push_back(note);
    return reading.classes;
  }

  std::string class_of(const LabelReading& reading, std::size_t name) const {
    return shown(model_.labels.at(static_cast<std::size_t>(reading.classes[name])));
  }

  static std::string way_to(const LabelReading& reading) {
    return reading.option != nullptr ? std::string("--labels-from ") + reading.option
                                     : "the names to import (--labels)";
  }
  [[noreturn]] void fail_ambiguous(const LabelReading& a, const LabelReading& b) const {
    std::size_t name = 0;
    while (a.classes[name] == b.classes[name]) ++name;
    throw Error(row_of(name) + ": label " + shown(names_[name]) + " may be class " +
                class_of(a, name) + " (" + a.words + ") or " + class_of(b, name) + " (" + b.words +
                "); the labels are " + label_summary(names_) + ": give " + way_to(a) + " or " +
                way_to(b) +
                (way_to(b).ends_with("sorted") && names_.size() < model_.labels.size()
                     ? ", with data of all " + std::to_string(model_.labels.size())
                     : ""));
  }
  [[noreturn]] void fail_as_trained(const LabelReading& reading) const {
    const std::size_t name = conflict(reading).value();
    throw Error(row_of(name) + ": label " + shown(names_[name]) + " is class " +
                class_of(reading, name) + " (" + reading.words + "), and training took it for " +
                shown(model_.labels.at(static_cast<std::size_t>(trained_.at(names_[name])))) +
                ": give " + way_to(reading) + " if it means another here");
  }
  [[noreturn]] void fail_unknown(std::size_t name, bool is_unnamed) const {
    const std::size_t count = model_.labels.size();
    if (whole_numbers(names_)) {
      // The first that does not fit: from 0 where there is a 0, else neither way.
      const LabelReading zero = counted_reading(names_, 0, count),
                         one = counted_reading(names_, 1, count);
      const bool has_zero =
          std::find(zero.classes.begin(), zero.classes.end(), 0) != zero.classes.end();
      for (std::size_t i = names_.size(); i-- > 0;) {
        if (zero.classes[i] == kUnknownClass && (has_zero || one.classes[i] == kUnknownClass))
          name = i;
      }
      throw Error(row_of(name) + ": label: expected one of the model's, " +
                  label_summary(model_.labels) + ", or 0 to " + std::to_string(count - 1) +
                  ", or 1 to " + std::to_string(count) + ", got " + names_[name] +
                  (names_.size() == count ? "; or give --labels-from sorted" : ""));
    }
    if (is_unnamed) {
      throw Error(row_of(name) + ": label " + shown(names_[name]) + ": the model's " +
                  std::to_string(count) + " classes have no names: import it with --labels FILE" +
                  (names_.size() == count
                       ? ", or give --labels-from sorted if it learnt them in alphabetical order"
                       : "; the data has " + std::to_string(names_.size())));
    }
    throw Error("labels: the data's class " + shown(names_[name]) +
                " is not one of the model's labels: expected " + label_summary(model_.labels) +
                ", got " + label_summary(names_));
  }

  /// The first row with that label, for messages.
  std::string row_of(std::size_t name) const {
    for (const Dataset* part : parts_) {
      const std::vector<std::string>& classes = part->class_names();
      const auto found = std::find(classes.begin(), classes.end(), names_[name]);
      const auto label = static_cast<int>(found - classes.begin());
      for (std::int64_t row = 0; found != classes.end() && row < part->rows(); ++row) {
        if (part->label(row) == label) return part->name(row);
      }
    }
    return "labels";  // rows that are left out have it
  }

  void add_rows(const Dataset& part) {
    const std::vector<std::string>& own = part.class_names();
    std::vector<int> classes;
    for (const std::string& name : own) classes.push_back(classes_.at(places_.at(name)));
    const int first = own.empty() && option_ == LabelsFrom::one ? 1 : 0;
    const int limit = static_cast<int>(own.empty() ? model_.labels.size() : own.size()) + first;
    for (std::int64_t row = 0; row < part.rows(); ++row) {
      const int label = part.label(row);
      if (label < first || label >= limit) {
        throw Error(part.name(row) + ": label " + std::to_string(label) +
                    " does not fit the model: expected " + std::to_string(first) + " to " +
                    std::to_string(limit - 1) +
                    (first == 0 && label == limit ? "; give --labels-from 1 if it counts so" : ""));
      }
      map_.of_rows.push_back(own.empty() ? label - first
                                         : classes[static_cast<std::size_t>(label)]);
    }
  }

  std::span<const Dataset* const> parts_;
  const ModelClasses& model_;
  LabelsFrom option_ = LabelsFrom::automatic;
  std::vector<std::string> names_;             // of all parts
  std::map<std::string, std::size_t> places_;  // in names_
  std::map<std::string, int> trained_;         // the model's class by ModelClasses::data_labels
  std::vector<int> classes_;                   // the model's, of each of names_
  bool has_folders_ = false;
  LabelMap map_;
};

}  // namespace

ModelClasses classes_of(const Model& model) {
  const auto& assumptions = model.assumptions();
  const bool named =
      std::any_of(assumptions.begin(), assumptions.end(), [](const Assumption& assumption) {
        return assumption.what == "labels" && assumption.source != AssumptionSource::default_value;
      });
  return {model.labels(), model.data_labels(), named};
}

LabelMap map_labels(std::span<const Dataset* const> parts, const ModelClasses& model) {
  return Mapping(parts, model).map();
}

LabelMap map_labels(const Dataset& data, const ModelClasses& model) {
  const Dataset* const part = &data;
  return map_labels({&part, 1}, model);
}

std::string label_summary(const std::vector<std::string>& labels) {
  constexpr std::size_t kMost = 3;
  std::string text;
  for (std::size_t i = 0; i < std::min(kMost, labels.size()); ++i) {
    const std::string label = shown(labels[i]);
    text += (i == 0 ? "" : ", ") + label.substr(1, label.size() - (label.ends_with("'") ? 2 : 1));
  }
  return text + (labels.size() > kMost ? ", …" : "") + " (" + std::to_string(labels.size()) + ")";
}

}  // namespace sidenet
