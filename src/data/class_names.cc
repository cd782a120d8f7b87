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
