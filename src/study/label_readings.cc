#include "label_readings.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <string_view>

#include "class_names.h"
#include "file_bytes.h"
#include "sidenet/error.h"
#include "text_encoding.h"

namespace sidenet {
namespace {

/// Of "LABEL_10", as transformers calls classes that nobody named, 10.
std::optional<std::int64_t> label_number(std::string_view name) {
  const std::string lower = lower_ascii(trimmed(name));
  constexpr std::string_view kPrefix = "label_";
  return lower.starts_with(kPrefix) ? integer_name(std::string_view(lower).substr(kPrefix.size()))
                                    : std::nullopt;
}

std::optional<std::vector<std::int64_t>> label_numbers(const std::vector<std::string>& names) {
  std::vector<std::int64_t> values;
  for (const std::string& name : names) {
    const auto value = label_number(name);
    if (!value) return std::nullopt;
    values.push_back(*value);
  }
  return values;
}

std::string folded(std::string_view name) {
  const auto value = whole_number(trimmed(name));
  return value ? std::to_string(*value) : lower_ascii(trimmed(name));
}

bool fits(const LabelReading& reading) {
  return std::find(reading.classes.begin(), reading.classes.end(), kUnknownClass) ==
         reading.classes.end();
}

LabelReading counted(const std::vector<std::int64_t>& values, int first, std::size_t count) {
  LabelReading reading{
      first == 0 ? "0" : "1", first == 0 ? "counted from 0" : "counted from 1", {}};
  for (const std::int64_t value : values) {
    const bool is_class = value >= first && value - first < static_cast<std::int64_t>(count);
    reading.classes.push_back(is_class ? static_cast<int>(value - first) : kUnknownClass);
  }
  return reading;
}

/// By the place that each number has where all from `first` on, `count` of them, are sorted as
/// text: folders that are not here count too. Written with zeros in front where the names have
/// them.
LabelReading sorted_numbers(const std::vector<std::string>& names,
                            const std::vector<std::int64_t>& values, int first, std::size_t count) {
  const bool is_padded = std::any_of(names.begin(), names.end(), [](const std::string& name) {
    return name.size() > 1 && name[0] == '0';
  });
  std::vector<std::string> all;
  for (std::size_t i = 0; i < count; ++i) {
    std::string name = std::to_string(i + static_cast<std::size_t>(first));
    if (is_padded && name.size() < names[0].size())
      name.insert(0, names[0].size() - name.size(), '0');
    all.push_back(std::move(name));
  }
  LabelReading reading = counted(values, first, count);
  const std::vector<int> places = sorted_reading(all).classes;
  for (int& place : reading.classes) {
    if (place != kUnknownClass) place = places[static_cast<std::size_t>(place)];
  }
  return {"sorted", "sorted as text", std::move(reading.classes)};
}

/// By their place when sorted by value.
LabelReading by_value(const std::vector<std::int64_t>& values) {
  std::vector<std::int64_t> order = values;
  std::sort(order.begin(), order.end());
  LabelReading reading{nullptr, "sorted by value", {}};
  for (const std::int64_t value : values) {
    const auto place = std::lower_bound(order.begin(), order.end(), value) - order.begin();
    reading.classes.push_back(static_cast<int>(place));
  }
  return reading;
}

}  // namespace

bool are_plain_numbers(const std::vector<std::string>& labels) {
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] != std::to_string(i)) return false;
  }
  return true;
}

std::vector<int> match_names(const std::vector<std::string>& classes,
                             const std::vector<std::string>& labels) {
  std::map<std::string, std::vector<int>> by_name, by_folded;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    by_name[labels[i]].push_back(static_cast<int>(i));
    by_folded[folded(labels[i])].push_back(static_cast<int>(i));
  }
  std::vector<int> result;
  for (const std::string& name : classes) {
    const auto exact = by_name.find(name), similar = by_folded.find(folded(name));
    if (similar == by_folded.end()) {
      result.push_back(kUnknownClass);
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

LabelReading counted_reading(const std::vector<std::string>& classes, int first,
                             std::size_t count) {
  std::vector<std::int64_t> values;
  for (const std::string& name : classes) values.push_back(whole_number(name).value_or(-1));
  return counted(values, first, count);
}

LabelReading sorted_reading(const std::vector<std::string>& classes) {
  std::vector<std::size_t> order(classes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return classes[a] < classes[b]; });
  LabelReading reading{"sorted", "sorted as text", std::vector<int>(classes.size())};
  for (std::size_t place = 0; place < order.size(); ++place)
    reading.classes[order[place]] = static_cast<int>(place);
  return reading;
}

std::vector<LabelReading> number_readings(const std::vector<std::string>& classes,
                                          std::size_t count, bool sorted) {
  std::vector<LabelReading> fitting;
  const auto add = [&](LabelReading reading) {
    const bool is_known = std::any_of(fitting.begin(), fitting.end(), [&](const auto& known) {
      return known.classes == reading.classes;
    });
    if (fits(reading) && !is_known) fitting.push_back(std::move(reading));
  };
  if (const auto values = label_numbers(classes)) {
    add(counted(*values, 0, count));
  } else if (const auto numbers = whole_numbers(classes)) {
    add(counted(*numbers, 0, count));
    add(counted(*numbers, 1, count));
    const bool is_counted = !fitting.empty();
    if (sorted && classes.size() == count) {
      add(sorted_reading(classes));
      if (!is_counted) add(by_value(*numbers));
    }
    for (const int first : {0, 1}) {
      if (sorted) add(sorted_numbers(classes, *numbers, first, count));
    }
  }
  return fitting;
}

}  // namespace sidenet
