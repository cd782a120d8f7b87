#include "label_map.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "file_bytes.h"
#include "sidenet/error.h"

namespace sidenet {
namespace {

bool are_plain_numbers(const std::vector<std::string>& labels) {
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] != std::to_string(i)) return false;
  }
  return true;
}

/// "cat, dog, … (10)".
std::string summary(const std::vector<std::string>& labels) {
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(3, labels.size()); ++i)
    text += (i == 0 ? "" : ", ") + printable(labels[i]);
  return text + (labels.size() > 3 ? ", …" : "") + " (" + std::to_string(labels.size()) + ")";
}

/// The model's class of each of the data's classes.
std::vector<int> map_classes(const std::vector<std::string>& classes, const std::vector<std::string>& labels) {
  std::map<std::string, std::vector<int>> by_name;
  for (std::size_t i = 0; i < labels.size(); ++i) by_name[labels[i]].push_back(static_cast<int>(i));
  std::vector<int> result;
  for (const std::string& name : classes) {
    const auto found = by_name.find(name);
    if (found == by_name.end()) {
      if (are_plain_numbers(labels) && classes.size() == labels.size()) {
        result.resize(classes.size());
        std::iota(result.begin(), result.end(), 0);
        return result;
      }
      throw Error("labels: the data's class '" + printable(name) + "' is not one of the model's labels: expected " +
                  summary(labels) + ", got " + summary(classes));
    }
    if (found->second.size() > 1) {
      throw Error("labels: the data's class '" + printable(name) + "' stands for " + std::to_string(found->second.size()) +
                  " classes of the model, " + std::to_string(found->second[0]) + " and " +
                  std::to_string(found->second[1]) + " among them");
    }
    result.push_back(found->second[0]);
  }
  return result;
}

}  // namespace

std::vector<int> map_labels(const Dataset& data, const std::vector<std::string>& labels) {
  const std::vector<int> classes = map_classes(data.class_names(), labels);
  const int limit = static_cast<int>(classes.empty() ? labels.size() : classes.size());
  std::vector<int> result;
  result.reserve(static_cast<std::size_t>(data.rows()));
  for (std::int64_t row = 0; row < data.rows(); ++row) {
    const int label = data.label(row);
    if (label < 0 || label >= limit) {
      throw Error(data.name(row) + ": label " + std::to_string(label) + " does not fit the model: expected 0 to " +
                  std::to_string(limit - 1));
    }
    result.push_back(classes.empty() ? label : classes[static_cast<std::size_t>(label)]);
  }
  return result;
}

}  // namespace sidenet
