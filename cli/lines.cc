#include "lines.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "sidenet/error.h"
#include "standard_streams.h"

namespace sidenet::tools {
namespace {

constexpr std::size_t kBuffer = 64 * 1024, kLongestName = 64 * 1024, kLongestText = 1 << 20;

std::size_t longest(Lines::Kind kind) {
  return kind == Lines::Kind::names ? kLongestName : kLongestText;
}

void check_kind(const struct stat& status, const std::string& path, const std::string& expected) {
  if (S_ISDIR(status.st_mode)) throw Error(path + ": expected " + expected + ", got a folder");
  if (!S_ISREG(status.st_mode))
    throw Error(path + ": expected " + expected + ", got a device, pipe or socket");
}

[[noreturn]] void fail_to_open(const std::string& path) {
  const int error = errno;
  throw Error(
      path + ": " +
      (error == ENOENT ? "no such file" : std::string("cannot be read: ") + std::strerror(error)));
}

}  // namespace

void Lines::Close::operator()(const int* descriptor) const {
  ::close(*descriptor);
  delete descriptor;
}

Lines::Lines(File file, std::string source, Kind kind, Waiting waiting)
    : file_(std::move(file)),
      source_(std::move(source)),
      kind_(kind),
      waiting_(std::move(waiting)) {
  struct stat in {
  }, out{};
  if (::fstat(descriptor(), &in) != 0 || ::fstat(STDOUT_FILENO, &out) != 0) return;
  if (!S_ISREG(in.st_mode) || in.st_dev != out.st_dev || in.st_ino != out.st_ino) return;
  // What is answered would be read again, without an end.
  throw Error(source_ + ": cannot be read: standard output is written to the same file");
}

Lines Lines::of_standard_input(Kind kind, Waiting waiting) {
  const std::string source = "standard input";
  if (standard_input_is_closed()) throw Error(source + ": cannot be read: it is closed");
  return Lines(File(), source, kind, std::move(waiting));
}

Lines Lines::of_file(const std::string& path, const std::string& expected, Kind kind) {
  // Before it is opened, too: that alone can move a tape, and a FIFO would hold us up.
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) fail_to_open(path);
  check_kind(status, path, expected);
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (descriptor < 0) fail_to_open(path);
  File file(new int(descriptor));
  if (::fstat(descriptor, &status) != 0) fail_to_open(path);
  check_kind(status, path, expected);
  return Lines(std::move(file), path, kind);
}

int Lines::descriptor() const { return file_ ? *file_ : STDIN_FILENO; }

/// More bytes in the buffer; false at the end.
bool Lines::fill() {
  buffer_.resize(kBuffer);
  at_ = 0;
  if (const auto patience = waiting_.patience ? waiting_.patience() : std::nullopt) {
    pollfd input{descriptor(), POLLIN, 0};
    if (::poll(&input, 1, static_cast<int>(patience->count())) == 0) waiting_.meanwhile();
  }
  for (;;) {
    const ssize_t count = ::read(descriptor(), buffer_.data(), buffer_.size());
    if (count >= 0) {
      buffer_.resize(static_cast<std::size_t>(count));
      return count > 0;
    }
    const int error = errno;
    if (error == EINTR) continue;
    if (error == EAGAIN) {  // somebody else made the pipe so that it does not wait
      pollfd waited{descriptor(), POLLIN, 0};
      ::poll(&waited, 1, -1);
      continue;
    }
    buffer_.clear();
    ended_ = true;
    throw Error((number_ > 1 ? place() : source_) + ": cannot be read: " + std::strerror(error));
  }
}

bool Lines::next() {
  if (ended_) return false;
  line_.clear();
  bytes_ = 0;
  ++number_;
  for (bool any = false;; any = true) {
    if (at_ == buffer_.size() && !fill()) {
      ended_ = true;
      if (!any) return false;
      break;
    }
    const auto begin = buffer_.begin() + static_cast<std::ptrdiff_t>(at_),
               end = std::find(begin, buffer_.end(), '\n');
    const auto count = static_cast<std::size_t>(end - begin);
    const std::size_t kept = std::min(count, longest(kind_) - std::min(bytes_, longest(kind_)));
    line_.append(buffer_, at_, kept);
    bytes_ += count;
    at_ += count;
    if (end == buffer_.end()) continue;
    ++at_;
    break;
  }
  if (bytes_ == line_.size() && line_.ends_with('\r')) line_.pop_back();
  return true;
}

const std::string& Lines::line() const {
  if (bytes_ > longest(kind_)) {
    throw Error(kind_ == Kind::texts
                    ? "expected a text of at most 1 MiB, got " + std::to_string(bytes_) + " bytes"
                    : "expected at most 65,536 bytes, got " + std::to_string(bytes_));
  }
  if (kind_ == Kind::names) {
    const auto zero = line_.find('\0');
    if (zero != std::string::npos)
      throw Error("expected text, got a zero byte at byte " + std::to_string(zero + 1));
  }
  return line_;
}

}  // namespace sidenet::tools
