#include "own_folder.h"

#include <dirent.h>
#include <fcntl.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "sidenet/error.h"

namespace sidenet {
namespace {

constexpr mode_t kOthersMayWrite = S_IWGRP | S_IWOTH;

// A slash at the end would follow a link.
std::string without_slash(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

Descriptor open_folder(int at, const std::string& name, const std::string& shown) {
  Descriptor folder(::openat(at, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (folder) return folder;
  const int error = errno;
  struct stat status {};
  if (::fstatat(at, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) {
    if (S_ISLNK(status.st_mode))
      throw Error(shown + ": expected a folder, got a link: name the one that it leads to");
    if (!S_ISDIR(status.st_mode)) throw Error(shown + ": expected a folder");
  }
  throw Error(shown + ": the folder cannot be opened: " + std::strerror(error));
}

void make_folder(int at, const std::string& name, const std::string& shown) {
  if (::mkdirat(at, name.c_str(), 0700) != 0 && errno != EEXIST)
    throw Error(shown + ": cannot make a folder: " + std::strerror(errno));
}

bool is_ours(const struct stat& file) {
  return S_ISREG(file.st_mode) && file.st_uid == ::geteuid() && file.st_nlink == 1 &&
         (file.st_mode & kOthersMayWrite) == 0;
}

}  // namespace

OwnFolder::OwnFolder(Descriptor folder, std::string path)
    : path_(std::move(path)), folder_(std::move(folder)) {
  struct stat status {};
  if (::fstat(folder_.get(), &status) != 0) throw Error(path_ + ": " + std::strerror(errno));
  if (status.st_uid != ::geteuid())
    throw Error(path_ + ": expected a folder of your own: another user may put files there");
  if ((status.st_mode & kOthersMayWrite) != 0)
    throw Error(path_ +
                ": expected a folder that nobody else may write to: others may put files there");
}

OwnFolder::OwnFolder(const std::string& path)
    : OwnFolder(
          [&] {
            const std::string name = without_slash(path);
            make_folder(AT_FDCWD, name, name);
            return open_folder(AT_FDCWD, name, name);
          }(),
          without_slash(path)) {}

OwnFolder OwnFolder::inside(const std::string& folder, const std::string& name) {
  const std::string outer = without_slash(folder), path = outer + "/" + name;
  std::error_code error;
  std::filesystem::create_directories(outer, error);
  if (error) throw Error(outer + ": cannot make a folder: " + error.message());
  const Descriptor at = open_folder(AT_FDCWD, outer, outer);
  make_folder(at.get(), name, path);
  return {open_folder(at.get(), name, path), path};
}

std::vector<std::string> OwnFolder::names() const {
  std::vector<std::string> names;
  const int fd =
      ::openat(descriptor(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);  // closedir() closes it
  DIR* entries = fd >= 0 ? ::fdopendir(fd) : nullptr;
  if (entries == nullptr) {
    const Descriptor closed(fd);
    return names;
  }
  while (const dirent* entry = ::readdir(entries)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  ::closedir(entries);
  return names;
}

std::optional<struct stat> OwnFolder::status(const std::string& name) const {
  struct stat file {};
  if (::fstatat(descriptor(), name.c_str(), &file, AT_SYMLINK_NOFOLLOW) != 0 || !is_ours(file))
    return std::nullopt;
  return file;
}

Descriptor OwnFolder::open(const std::string& name, int flags) const {
  // A pipe must not hold us up.
  Descriptor file(::openat(descriptor(), name.c_str(),
                           flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600));
  if (!file && errno == ENOENT && (flags & O_CREAT) == 0) return file;
  struct stat status {};
  const bool is_open = file && ::fstat(file.get(), &status) == 0;
  if (!is_open && errno != ELOOP)
    throw Error(path_of(name) + ": cannot be opened: " + std::strerror(errno));
  if (!is_open || !is_ours(status)) {
    throw Error(path_of(name) +
                ": expected a file of your own, without other names, that nobody else may write "
                "to; got a link, a pipe or "
                "another's");
  }
  return file;
}

std::shared_ptr<const MappedFile> OwnFolder::map(const std::string& name) const {
  const Descriptor file = open(name, O_RDONLY);
  return file ? MappedFile::of(file.get(), path_of(name)) : nullptr;
}

bool OwnFolder::remove(const std::string& name) const {
  return ::unlinkat(descriptor(), name.c_str(), 0) == 0 || errno == ENOENT;
}

}  // namespace sidenet
