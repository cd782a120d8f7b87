#pragma once

#include <string>
#include <vector>

namespace sidenet::tools {

/// One label a line. Throws Error: no file, no line, a blank line before the last label, bytes that
/// are not UTF-8.
std::vector<std::string> read_labels(const std::string& path);

}  // namespace sidenet::tools
