#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sidenet {

/// The number that `name` is written as: "-3", "0", "17"; none for "01", "+1", "1.0" or what 64
/// bits do not hold.
std::optional<std::int64_t> integer_name(std::string_view name);
/// The whole number that pandas reads `name` as: also "01", "+1" and "1.0".
std::optional<std::int64_t> whole_number(std::string_view name);
/// Those of all `names`; none where one of them is no whole number, or there is none.
std::optional<std::vector<std::int64_t>> whole_numbers(const std::vector<std::string>& names);
/// Indices that sort `names`: by value where all are integers, else by bytes.
std::vector<std::size_t> sorted_order(const std::vector<std::string>& names);

}  // namespace sidenet
