#include "locked_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "atomic_file.h"
#include "sidenet/error.h"

namespace sidenet {
namespace {

constexpr int kMostTries = 10'000;  // each but the last is one that another process has won

[[noreturn]] void fail(const std::string& path, const char* what) {
  const int error = errno;
  throw Error(path + ": " + what + ": " + std::strerror(error));
}

}  // namespace

LockedFile::LockedFile(const std::string& path, std::size_t most_bytes)
    : path_(path), most_bytes_(most_bytes) {
  // Who had it before has mostly replaced it, so that all who waited try again.
  for (int tries = 0; tries < kMostTries; ++tries) {
    open();
    while (::flock(file_.get(), LOCK_EX) != 0) {
      if (errno != EINTR) fail(path_, "cannot be locked");
    }
    if (!is_at_path()) continue;
    read();
    return;
  }
  throw Error(path_ + ": cannot be locked: it is another file every time");
}

void LockedFile::open() {
  file_ = Descriptor(::open(
      path_.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0666));
  if (!file_ && errno == ELOOP)
    throw Error(path_ + ": expected a regular file, got a symbolic link");
  if (!file_) fail(path_, "cannot be opened for writing");
  struct stat status {};
  if (::fstat(file_.get(), &status) != 0) fail(path_, "cannot be read");
  if (!S_ISREG(status.st_mode))
    throw Error(path_ + ": expected a regular file, got a device, pipe or socket");
  if (status.st_nlink > 1)
    throw Error(path_ + ": expected a file with one name, got one with " +
                std::to_string(status.st_nlink) + " hard links");
}

bool LockedFile::is_at_path() const {
  struct stat own {
  }, named{};
  return ::fstat(file_.get(), &own) == 0 && ::lstat(path_.c_str(), &named) == 0 &&
         own.st_dev == named.st_dev && own.st_ino == named.st_ino && own.st_nlink <= 1;
}

void LockedFile::check_size(std::size_t bytes) const {
  if (bytes > most_bytes_)
    throw Error(path_ + ": expected at most " + std::to_string(most_bytes_) + " bytes, got more");
}

void LockedFile::read() {
  struct stat status {};
  if (::fstat(file_.get(), &status) != 0) fail(path_, "cannot be read");
  check_size(static_cast<std::size_t>(status.st_size));
  text_.resize(static_cast<std::size_t>(status.st_size));
  for (std::size_t at = 0; at < text_.size();) {
    const ssize_t got =
        ::pread(file_.get(), text_.data() + at, text_.size() - at, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(path_, "cannot be read");
    if (got == 0) text_.resize(at);  // cut just now, by somebody without the lock
    at += static_cast<std::size_t>(got);
  }
}

void LockedFile::replace(const std::string& text) {
  check_size(text.size());
  if (!is_at_path()) throw Error(path_ + ": was removed, replaced or linked while it was in use");
  AtomicFile next(path_);
  next.write(text);
  file_ = Descriptor(next.commit_locked());  // the old file's lock goes last
  text_ = text;
}

}  // namespace sidenet
