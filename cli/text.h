#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace sidenet::tools {

/// For a line on a terminal: line breaks and tabs become a space, and what would not show as itself
/// is escaped as printable_line() does it. File names, labels and tensor names come from outside.
std::string printable(const std::string& text);
/// Of JSON: what would not show as itself becomes \uXXXX, which is the same value. It can stand
/// only inside strings, and JSON's own escapes end at U+001F.
std::string escape_hidden(const std::string& json);
/// Whether every byte belongs to well-formed UTF-8.
bool is_utf8(const std::string& text);
/// Columns that printable UTF-8 text takes: wide East Asian characters and emoji two, combining
/// marks none.
std::size_t display_width(const std::string& text);
/// The end of the text behind an ellipsis where it is wider than `width` columns: of a path, the
/// file name stays.
std::string shorten_front(const std::string& text, std::size_t width);
/// The beginning of the text, at most `width` columns.
std::string shorten_end(const std::string& text, std::size_t width);

/// "91.23 %" of 0.9123; "-" where there is no number.
std::string percent(double ratio, int decimals = 2);
/// "0.412"; "-" where there is no number.
std::string fixed(double value, int decimals);
/// "12,800".
std::string grouped(std::int64_t count);
/// "41.3 M": three digits and a decimal prefix (k, M, G, T).
std::string scaled(double count);
/// "12 s", "3:07", "1:02:45".
std::string duration(double seconds);

}  // namespace sidenet::tools
