#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sidenet {

/// Appends ISO 8859-1 as UTF-8.
void append_latin1(std::string_view bytes, std::string& text);
/// Without the ASCII white space at both ends.
std::string_view trimmed(std::string_view text);
/// With A-Z as a-z; other letters stay.
std::string lower_ascii(std::string_view text);
/// 'the first bytes…', on one line, for messages.
std::string excerpt(std::string_view text);

}  // namespace sidenet
