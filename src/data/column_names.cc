#include "column_names.h"

#include <charconv>

namespace sidenet {
namespace {

bool is_number(std::string_view text) {
  double value;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error != std::errc::invalid_argument && end == text.data() + text.size();
}

bool is_short_name(std::string_view text, std::size_t most_bytes, int most_blanks) {
  return text.size() <= most_bytes && !is_number(text) &&
         std::count(text.begin(), text.end(), ' ') <= most_blanks;
}

// What pandas calls its index.
bool is_index_name(std::string_view text) { return text.empty() || text.starts_with("Unnamed: "); }

bool is_name(std::string_view text) {
  return !text.empty() && is_short_name(text, 40, 2) &&
         std::all_of(text.begin(), text.end(), [](char c) {
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
  return std::all_of(record.cells.begin(), record.cells.end(), [&](const Cell& cell) {
    const std::string_view name = trimmed(cell.text);
    const bool is_first = &cell == &record.cells[0] && record.cells.size() > 2;
    return is_name(name) || (is_index_name(name) && (is_first || !name.empty()));
  });
}

bool is_loosely_header_shaped(const Record& record) {
  return std::all_of(record.cells.begin(), record.cells.end(), [](const Cell& cell) {
    const std::string_view name = trimmed(cell.text);
    if (is_index_name(name)) return true;
    const bool is_sentence = std::count(name.begin(), name.end(), ' ') > 2 &&
                             std::string_view(".!?\"").find(name.back()) != std::string_view::npos;
    return is_short_name(name, 60, 6) && !is_sentence;
  });
}

bool looks_like_header(const Record& record) {
  return is_header_shaped(record) &&
         std::any_of(record.cells.begin(), record.cells.end(), is_usual);
}

std::vector<std::size_t> usual_columns(const Record& record) {
  std::vector<std::size_t> columns;
  for (std::size_t i = 0; i < record.cells.size(); ++i) {
    if (is_usual(record.cells[i])) columns.push_back(i);
  }
  return columns;
}

bool is_counted_header(const Record& record) {
  const std::size_t first =
      record.cells.size() > 2 && trimmed(record.cells[0].text).empty() ? 1 : 0;
  if (record.cells.size() - first < 2) return false;
  for (std::size_t i = first; i < record.cells.size(); ++i) {
    if (trimmed(record.cells[i].text) != std::to_string(i - first)) return false;
  }
  return true;
}

}  // namespace sidenet
