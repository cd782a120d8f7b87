#include "atomic_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <utility>

#include "file_names.h"
#include "own_folder.h"
#include "sidenet/error.h"

namespace sidenet {
namespace {

constexpr int kMostLinks = 40;  // as Linux itself follows
constexpr int kMostNames = 100;

/// Links of /proc lead to open files, which need not have a name (and /dev/stdout leads there).
bool is_on_procfs(const std::string& folder) {
  constexpr decltype(statfs::f_type) magic = 0x9FA0;
  struct statfs status {};
  return ::statfs(folder.c_str(), &status) == 0 && status.f_type == magic;
}

/// A name beside the target that tells what it is, and that nobody can foresee.
std::string temporary_name(const std::string& target) {
  auto number =
      static_cast<std::uint32_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  [[maybe_unused]] const auto bytes =
      ::getrandom(&number, sizeof number, 0);  // the time does where there is none
  std::array<char, 32> suffix;
  std::snprintf(suffix.data(), suffix.size(), ".partial-%08x", number);
  return path_beside(target, suffix.data());
}

}  // namespace

AtomicFile::AtomicFile(std::string path, bool unnamed) : path_(std::move(path)), target_(path_) {
  check_target();
  if (old_) mode_ = 0600;  // others must not read what replaces a private file
  if (!unnamed || !open_unnamed()) open_named();
}

AtomicFile::AtomicFile(const OwnFolder& folder, const std::string& name, bool flushed)
    : path_(folder.path_of(name)),
      target_(name),
      folder_(folder.descriptor()),
      mode_(0600),
      flushed_(flushed) {
  struct stat status {};
  if (::fstatat(folder_, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
      S_ISDIR(status.st_mode))
    throw Error(path_ + ": cannot be written: expected a file, got a folder");
  if (!open_unnamed()) open_named();
}

AtomicFile::~AtomicFile() {
  if (fd_ < 0) return;
  ::close(fd_);
  if (!temporary_.empty()) ::unlinkat(folder_, temporary_.c_str(), 0);
}

void AtomicFile::fail(const char* what) const {
  const int error = errno;
  throw Error(path_ + ": cannot be written (" + what + "): " + std::strerror(error));
}

void AtomicFile::check_target() {
  if (path_.empty()) throw Error("output: expected a file name, got an empty one");
  // The system follows the links first, so that those it does not trust (another's, in a folder
  // like /tmp) are refused.
  struct stat status {};
  if (::stat(path_.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode))
      throw Error(path_ + ": cannot be written: expected a file, got a folder");
    if (!S_ISREG(status.st_mode))
      throw Error(path_ +
                  ": cannot be written: expected a regular file, got a device, pipe or socket");
    if (::faccessat(AT_FDCWD, path_.c_str(), W_OK, AT_EACCESS) != 0) fail("the file that is there");
    old_ = status;
  } else if (errno != ENOENT) {
    fail("open");
  }
  for (int links = 0; auto next = link_of(target_); ++links) {
    if (links == kMostLinks) throw Error(path_ + ": cannot be written: too many symbolic links");
    if (is_on_procfs(folder_of(target_)))
      throw Error(path_ + ": cannot be written: expected a file's name, got an open file (" +
                  target_ + ")");
    target_ = std::move(*next);
  }
}

bool AtomicFile::open_unnamed() {
  // It is named through /proc.
  if (::access("/proc/self/fd", X_OK) != 0) return false;
  if (temporary_name(target_).size() >= PATH_MAX) return false;  // it could not be put in its place
  fd_ = ::openat(folder_, folder_of(target_).c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, mode_);
  return fd_ >= 0;
}

void AtomicFile::open_named() {
  for (int attempt = 0; attempt < kMostNames; ++attempt) {
    std::string name = temporary_name(target_);
    fd_ =
        ::openat(folder_, name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode_);
    if (fd_ >= 0) {
      temporary_ = std::move(name);
      return;
    }
    if (errno != EEXIST) break;
  }
  const int error = errno;
  throw Error(path_ + ": cannot be written: " + std::strerror(error));
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written == 0) errno = ENOSPC;
    if (written <= 0) fail("write");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void AtomicFile::take_over_owner_and_mode() {
  if (!old_) return;
  struct stat own {};
  if (::fstat(fd_, &own) != 0) fail("permissions");
  mode_t mode = old_->st_mode & 0777;
  const bool same_owner = own.st_uid == old_->st_uid, same_group = own.st_gid == old_->st_gid;
  if ((!same_owner || !same_group) && ::fchown(fd_, old_->st_uid, old_->st_gid) != 0 &&
      (same_group || ::fchown(fd_, static_cast<uid_t>(-1), old_->st_gid) != 0) && !same_group) {
    mode = (mode & 0707) | (mode & 07) << 3;  // what the old group might do is not for another one
  }
  if (::fchmod(fd_, mode) != 0) fail("permissions");
}

void AtomicFile::give_name() {
  if (!temporary_.empty()) return;
  const std::string open_file = "/proc/self/fd/" + std::to_string(fd_);
  for (int attempt = 0; attempt < kMostNames; ++attempt) {
    std::string name = temporary_name(target_);
    if (::linkat(AT_FDCWD, open_file.c_str(), folder_, name.c_str(), AT_SYMLINK_FOLLOW) == 0) {
      temporary_ = std::move(name);
      return;
    }
    if (errno != EEXIST) break;
  }
  fail("name");
}

void AtomicFile::put_in_place() {
  take_over_owner_and_mode();
  if (flushed_ && ::fsync(fd_) != 0) fail("flush");
  give_name();
  if (::renameat(folder_, temporary_.c_str(), folder_, target_.c_str()) != 0) fail("rename");
  temporary_.clear();
  if (!flushed_) return;
  // The rename itself must reach the disk too.
  const int folder =
      ::openat(folder_, folder_of(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    ::fsync(folder);
    ::close(folder);
  }
}

void AtomicFile::commit() {
  put_in_place();
  ::close(std::exchange(fd_, -1));
}

int AtomicFile::commit_locked() {
  if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) fail("lock");
  put_in_place();
  return std::exchange(fd_, -1);
}

void write_file(const std::string& path, std::string_view contents) {
  AtomicFile file(path);
  file.write(std::as_bytes(std::span(contents.data(), contents.size())));
  file.commit();
}

// Opened, and given up: a temporary file that is removed at once.
void check_writable(const std::string& path) { AtomicFile probe(path); }

}  // namespace sidenet
