#include "column_names.h"

#include <charconv>

namespace sidenet {
namespace {

bool is_number(std::string_view text) {
  double value;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error != std::errc::invalid_argument && end == text.data() + text.size();
}

bool is_name(std::string_view text) {
  constexpr std::size_t kMaxBytes = 40;
  constexpr int kMaxBlanks = 2;
  if (text.empty() || text.size() > kMaxBytes || is_number(text)) return false;
  if (std::count(text.begin(), text.end(), ' ') > kMaxBlanks) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view(" _-./#()").find(c) != std::string_view::npos ||
           static_cast<unsigned char>(c) >= 0x80;
  });
}

bool is_usual(const Cell& cell) {
  const std::string name(trimmed(cell.text));
  return is_one_of(kLabelNames, name) || is_one_of(kTextNames, name) ||
         is_one_of(kTitleNames, name) || is_one_of(kHalfNames, name);
}

}  // namespace

bool is_header_shaped(const Record& record) {
  return std::all_of(record.cells.begin(), record.cells.end(),
                     [](const Cell& cell) { return is_name(trimmed(cell.text)); });
}

bool looks_like_header(const Record& record) {
  return is_header_shaped(record) &&
         std::any_of(record.cells.begin(), record.cells.end(), is_usual);
}

}  // namespace sidenet
