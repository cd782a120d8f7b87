#pragma once

#include <sys/stat.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "descriptor.h"
#include "mapped_file.h"

namespace sidenet {

/// A folder whose files are trusted to be what this user's processes wrote: a cache. All goes
/// through its descriptor, so that another folder under its name changes nothing, and no link in it
/// is followed.
class OwnFolder {
 public:
  /// Makes its last part where it is missing. Throws Error: cannot be made, a link, no folder,
  /// another user's, others may write to it.
  explicit OwnFolder(const std::string& path);
  /// NAME in a folder that may be anybody's, but is no link. Both are made where they are missing.
  /// Throws Error as above.
  static OwnFolder inside(const std::string& folder, const std::string& name);

  const std::string& path() const { return path_; }
  std::string path_of(const std::string& name) const {
    return path_ + "/" + name;
  }  ///< for messages
  int descriptor() const { return folder_.get(); }

  /// Names in it, in no order; none where it cannot be read.
  std::vector<std::string> names() const;
  /// Of a file of ours: regular, of this user, with no other name, which nobody else may write to.
  /// Else nothing.
  std::optional<struct stat> status(const std::string& name) const;
  /// Opens a file of ours; O_CREAT makes one that nobody else may read. Closed where there is none
  /// of this name. Throws Error where it is not ours, or cannot be opened.
  Descriptor open(const std::string& name, int flags) const;
  /// Null where there is none. Throws Error as open().
  std::shared_ptr<const MappedFile> map(const std::string& name) const;
  /// The name, never what a link leads to. False where it is still there.
  bool remove(const std::string& name) const;

 private:
  OwnFolder(Descriptor folder, std::string path);

  std::string path_;
  Descriptor folder_;
};

}  // namespace sidenet
