#include "label_map.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>

#include "class_names.h"
#include "file_bytes.h"
#include "sidenet/error.h"
#include "text_encoding.h"

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

constexpr int kUnknown = -1;

/// The model's class of each of the data's, by name; kUnknown where there is none.
std::vector<int> match_names(const std::vector<std::string>& classes,
                             const std::vector<std::string>& labels) {
  std::map<std::string, std::vector<int>> by_name, by_lower_case;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    by_name[labels[i]].push_back(static_cast<int>(i));
    by_lower_case[lower_ascii(labels[i])].push_back(static_cast<int>(i));
  }
  std::vector<int> result;
  for (const std::string& name : classes) {
    const auto exact = by_name.find(name), similar = by_lower_case.find(lower_ascii(name));
    if (similar == by_lower_case.end()) {
      result.push_back(kUnknown);
      continue;
    }
    const std::vector<int>& found = exact == by_name.end() ? similar->second : exact->second;
    if (found.size() > 1) {
      throw Error("labels: the data's class '" + printable(name) + "' stands for " +
                  std::to_string(found.size()) + " classes of the model, " +
                  std::to_string(found[0]) + " and " + std::to_string(found[1]) + " among them");
    }
    result.push_back(found[0]);
  }
  return result;
}

/// What integers as class names mean to the model; nothing where some is not an integer, or out of
/// range.
std::optional<std::vector<int>> match_integers(const std::vector<std::string>& classes,
                                               const std::vector<std::string>& labels,
                                               std::vector<std::string>& notes) {
  std::vector<std::int64_t> values;
  for (const std::string& name : classes) {
    const auto value = integer_name(name);
    if (!value) return std::nullopt;
    values.push_back(*value);
  }
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  const auto limit = static_cast<std::int64_t>(labels.size());
  const std::int64_t shift = *least >= 1 && *most == limit ? 1 : 0;
  if (*least < 0 || *most - shift >= limit) return std::nullopt;
  notes.push_back("labels: the data's numbers from " + std::to_string(shift) +
                  " on are taken for the model's classes, " + summary(labels));
  std::vector<int> result;
  for (const std::int64_t value : values) result.push_back(static_cast<int>(value - shift));
  return result;
}

/// Names the first row whose class, an integer, is none of the model's.
[[noreturn]] void fail_integer(const Dataset& data, const std::vector<std::string>& labels) {
  std::vector<bool> fits;
  for (const std::string& name : data.class_names()) {
    const std::int64_t value = integer_name(name).value_or(-1);
    fits.push_back(value >= 0 && value < static_cast<std::int64_t>(labels.size()));
  }
  const std::string expected = ": label: expected one of the model's, " + summary(labels) +
                               ", or 0 to " + std::to_string(labels.size() - 1) + ", or 1 to " +
                               std::to_string(labels.size()) + ", got ";
  for (std::int64_t row = 0; row < data.rows(); ++row) {
    const auto label = static_cast<std::size_t>(data.label(row));
    if (!fits.at(label)) throw Error(data.name(row) + expected + data.class_names()[label]);
  }
  throw Error("labels" + expected +
              summary(data.class_names()));  // the rows that are left have none of it
}

/// The model's class of each of the data's classes.
std::vector<int> map_classes(const Dataset& data, const std::vector<std::string>& labels,
                             std::vector<std::string>& notes) {
  const std::vector<std::string>& classes = data.class_names();
  std::vector<int> result = match_names(classes, labels);
  const auto unknown = std::find(result.begin(), result.end(), kUnknown);
  if (unknown == result.end()) return result;
  if (const auto integers = match_integers(classes, labels, notes)) return *integers;
  if (are_plain_numbers(labels) && classes.size() == labels.size()) {
    notes.push_back("labels: the data's classes are taken for the model's by position, " +
                    summary(classes));
    std::iota(result.begin(), result.end(), 0);
    return result;
  }
  const std::string& name = classes[static_cast<std::size_t>(unknown - result.begin())];
  const auto is_integer = [](const std::string& each) { return integer_name(each).has_value(); };
  if (std::all_of(classes.begin(), classes.end(), is_integer)) fail_integer(data, labels);
  throw Error("labels: the data's class '" + printable(name) +
              "' is not one of the model's labels: expected " + summary(labels) + ", got " +
              summary(classes));
}

}  // namespace

std::vector<int> map_labels(const Dataset& data, const std::vector<std::string>& labels,
                            std::vector<std::string>* notes) {
  std::vector<std::string> ignored;
  const std::vector<int> classes = map_classes(data, labels, notes == nullptr ? ignored : *notes);
  const int limit = static_cast<int>(classes.empty() ? labels.size() : classes.size());
  std::vector<int> result;
  result.reserve(static_cast<std::size_t>(data.rows()));
  for (std::int64_t row = 0; row < data.rows(); ++row) {
    const int label = data.label(row);
    if (label < 0 || label >= limit) {
      throw Error(data.name(row) + ": label " + std::to_string(label) +
                  " does not fit the model: expected 0 to " + std::to_string(limit - 1));
    }
    result.push_back(classes.empty() ? label : classes[static_cast<std::size_t>(label)]);
  }
  return result;
}

}  // namespace sidenet
