#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sidenet {

/// "/data" of "/data/m", "." of "m".
std::string folder_of(const std::string& path);
/// Where a symbolic link leads, as seen from where `path` is; none where it is no link.
std::optional<std::string> link_of(const std::string& path);
/// `path` and `ending`, for a file beside it. Where the file system takes no name as long, the name loses its end first,
/// so that whatever has a name can have one beside it.
std::string path_beside(const std::string& path, std::string_view ending);

}  // namespace sidenet
