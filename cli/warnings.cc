#include "warnings.h"

#include <iostream>

#include "text.h"

namespace sidenet::tools {

void print_warnings(const std::vector<std::string>& warnings, bool quiet) {
  if (quiet) return;
  for (const std::string& warning : warnings)
    std::cerr << "warning: " << printable(warning) << '\n';
}

}  // namespace sidenet::tools
