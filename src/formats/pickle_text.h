#pragma once

#include <memory_resource>
#include <string>
#include <string_view>

namespace sidenet::pickle {

/// Protocol 0's STRING: a Python literal in quotes ('a\n', "b\x00"). False where it is not one.
bool decode_string_literal(std::string_view literal, std::pmr::string& decoded);
/// Protocol 0's UNICODE: Latin-1 with \uXXXX and \UXXXXXXXX, into UTF-8. False on a bad escape.
bool decode_raw_unicode(std::string_view escaped, std::pmr::string& decoded);

}  // namespace sidenet::pickle
