#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace sidenet::tools {

/// Keys keep the order in which they were set.
using Json = nlohmann::ordered_json;

/// On one line. Non-finite numbers become null, bytes that are not UTF-8 U+FFFD, and what would not
/// show as itself is escaped.
std::string json_text(const Json& object);
/// One object, one line on stdout, at once.
void print_json(const Json& object);
/// The double whose shortest decimal form is the float's: 0.91f prints as 0.91. Non-finite stays
/// so.
double shortest(float value);

}  // namespace sidenet::tools
