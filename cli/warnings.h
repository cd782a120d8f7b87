#pragma once

#include <string>
#include <vector>

namespace sidenet::tools {

/// A line each on stderr; quiet: none (`--json` has them).
void print_warnings(const std::vector<std::string>& warnings, bool quiet);

}  // namespace sidenet::tools
