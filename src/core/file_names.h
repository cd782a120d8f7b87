#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

namespace sidenet {

/// A file, however its path is spelt and whatever links lead to it.
struct FileIdentity {
  dev_t device = 0;
  ino_t inode = 0;
  std::string
      name;  ///< empty; of a file yet to be made its name, with its folder's device and inode
  bool operator==(const FileIdentity&) const = default;
};
/// None where neither the file nor its folder is there.
std::optional<FileIdentity> identity_of(const std::string& path);

/// "/data" of "/data/m", "." of "m".
std::string folder_of(const std::string& path);
/// Where a symbolic link leads, as seen from where `path` is; none where it is no link.
std::optional<std::string> link_of(const std::string& path);
/// Behind all symbolic links, the last of which may lead to a file yet to be made.
std::string behind_links(std::string path);
/// "m" of "/data/m".
std::string name_of(const std::string& path);
/// `path` and `ending`, for a file beside it. Where the file system takes no name as long, the name
/// loses its end first, so that whatever has a name can have one beside it.
std::string path_beside(const std::string& path, std::string_view ending);

}  // namespace sidenet
