#pragma once

// Library: libsidenet (pkg-config sidenet, CMake sidenet::sidenet).

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "sidenet/export.h"

namespace sidenet {

/// Writes a whole file or none: a reader sees the old one or the new one, whatever happens (a kill,
/// a power cut). A symbolic link stays, and the file that it leads to is replaced. Throws Error
/// where it cannot be written; the old file is as it was then.
SIDENET_API void write_file(const std::string& path, std::string_view contents);
/// Throws Error as write_file() would: a missing folder, no permission, a folder or a device in its
/// place. Leaves nothing behind. For programs that work long before they write.
SIDENET_API void check_writable(const std::string& path);

/// A file, however its path is spelt and whatever links lead to it: two paths of one identity are
/// one file.
struct FileIdentity {
  dev_t device = 0;
  ino_t inode = 0;
  /// Empty; of a file yet to be made its name, with its folder's device and inode.
  std::string name;
  bool operator==(const FileIdentity&) const = default;
};
/// None where neither the file nor its folder is there.
SIDENET_API std::optional<FileIdentity> identity_of(const std::string& path);

/// "/data" of "/data/m", "." of "m".
SIDENET_API std::string folder_of(const std::string& path);
/// Behind all symbolic links, the last of which may lead to a file yet to be made.
SIDENET_API std::string behind_links(std::string path);
/// `path` and `ending`, for a file beside it. Where the file system takes no name as long, the name
/// loses its end first, so that whatever has a name can have one beside it.
SIDENET_API std::string path_beside(const std::string& path, std::string_view ending);

}  // namespace sidenet
