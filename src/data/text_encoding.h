#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace sidenet {

/// Offset of the first sequence that is not UTF-8 (RFC 3629: no overlong forms, no surrogates); none where all is.
std::optional<std::size_t> find_invalid_utf8(std::string_view bytes);
/// Appends ISO 8859-1 as UTF-8.
void append_latin1(std::string_view bytes, std::string& text);
/// Without the ASCII white space at both ends.
std::string_view trimmed(std::string_view text);
/// With A-Z as a-z; other letters stay.
std::string lower_ascii(std::string_view text);
/// 'the first bytes…', on one line, for messages.
std::string excerpt(std::string_view text);

}  // namespace sidenet
