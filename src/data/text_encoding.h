#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sidenet {

/// Appends a code point (no surrogate) as UTF-8.
void append_utf8(unsigned code, std::string& text);
/// Appends ISO 8859-1 as UTF-8.
void append_latin1(std::string_view bytes, std::string& text);
/// Appends Windows-1252 as UTF-8. Bytes that it has no character for stay as in ISO 8859-1.
void append_windows1252(std::string_view bytes, std::string& text);
/// The bytes in front of the first that Windows-1252 has no character for.
std::size_t valid_windows1252_prefix(std::string_view bytes);
/// The bytes in front of the first from 0x80 to 0x9F: control characters in ISO 8859-1.
std::size_t valid_latin1_prefix(std::string_view bytes);
/// Without a UTF-8 byte order mark.
std::string_view without_mark(std::string_view bytes);
/// Without the ASCII white space at both ends.
std::string_view trimmed(std::string_view text);
/// With A-Z as a-z; other letters stay.
std::string lower_ascii(std::string_view text);
/// 'the first bytes…', some `most` of them, on one line, for messages.
std::string excerpt(std::string_view text, std::size_t most = 40);

}  // namespace sidenet
