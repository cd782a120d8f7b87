#pragma once

#include <nlohmann/json.hpp>

namespace sidenet::tools {

/// Keys keep the order in which they were set.
using Json = nlohmann::ordered_json;

/// One object, one line on stdout, at once. Non-finite numbers become null, bytes that are not UTF-8 U+FFFD.
void print_json(const Json& object);
/// The double whose shortest decimal form is the float's: 0.91f prints as 0.91. Non-finite stays so.
double shortest(float value);

}  // namespace sidenet::tools
