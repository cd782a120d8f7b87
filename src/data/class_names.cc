#include "class_names.h"

#include <algorithm>
#include <charconv>
#include <numeric>

namespace sidenet {

std::optional<std::int64_t> integer_name(std::string_view name) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), value);
  if (error != std::errc{} || end != name.data() + name.size() || std::to_string(value) != name)
    return std::nullopt;
  return value;
}

std::optional<std::int64_t> whole_number(std::string_view name) {
  if (const std::size_t point = name.find('.'); point != std::string_view::npos) {
    if (name.find_first_not_of('0', point + 1) != std::string_view::npos) return std::nullopt;
    name = name.substr(0, point);
  }
  if (name.starts_with('+') && !name.starts_with("+-")) name.remove_prefix(1);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), value);
  if (error != std::errc{} || end != name.data() + name.size()) return std::nullopt;
  return value;
}

std::optional<std::vector<std::int64_t>> whole_numbers(const std::vector<std::string>& names) {
  std::vector<std::int64_t> values;
  for (const std::string& name : names) {
    const auto value = whole_number(name);
    if (!value) return std::nullopt;
    values.push_back(*value);
  }
  if (values.empty()) return std::nullopt;
  return values;
}

std::vector<std::size_t> sorted_order(const std::vector<std::string>& names) {
  std::vector<std::size_t> order(names.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const bool all_integers = std::all_of(names.begin(), names.end(), [](const std::string& name) {
    return integer_name(name).has_value();
  });
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return all_integers ? *integer_name(names[a]) < *integer_name(names[b]) : names[a] < names[b];
  });
  return order;
}

}  // namespace sidenet
