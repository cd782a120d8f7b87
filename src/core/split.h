#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sidenet {

/// The parts between delimiters, empty ones too: one more than there are delimiters.
std::vector<std::string> split(std::string_view text, char delimiter);

}  // namespace sidenet
