#pragma once

#include <optional>
#include <string>

#include "sidenet/files.h"

namespace sidenet {

/// Where a symbolic link leads, as seen from where `path` is; none where it is no link.
std::optional<std::string> link_of(const std::string& path);
/// "m" of "/data/m".
std::string name_of(const std::string& path);

}  // namespace sidenet
