#include "mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "sidenet/error.h"

namespace sidenet {

std::shared_ptr<const MappedFile> MappedFile::open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);  // a FIFO must not hold us up
  if (fd < 0) throw Error(path + ": cannot be opened: " + std::strerror(errno));
  std::shared_ptr<MappedFile> file(new MappedFile);
  file->path_ = path;
  struct stat status {};
  void* data = nullptr;
  std::string problem;
  if (::fstat(fd, &status) != 0) {
    problem = std::strerror(errno);
  } else if (!S_ISREG(status.st_mode)) {
    problem = S_ISDIR(status.st_mode) ? "expected a file, found a folder"
                                      : "expected a regular file, found a device, pipe or socket";
  } else if (status.st_size > 0) {
    data = ::mmap(nullptr, static_cast<std::size_t>(status.st_size), PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED) {
      data = nullptr;
      problem = std::string("cannot be mapped: ") + std::strerror(errno);
    }
  }
  ::close(fd);
  if (!problem.empty()) throw Error(path + ": " + problem);
  file->data_ = static_cast<const std::byte*>(data);
  file->size_ = static_cast<std::size_t>(status.st_size);
  return file;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

void MappedFile::release(const std::byte* begin, std::size_t bytes) const {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto first = (reinterpret_cast<std::uintptr_t>(begin) + page - 1) / page * page;
  const auto last = reinterpret_cast<std::uintptr_t>(begin + bytes) / page * page;
  if (first < last) ::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

}  // namespace sidenet
