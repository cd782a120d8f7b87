#include "mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "descriptor.h"
#include "sidenet/error.h"

namespace sidenet {

std::shared_ptr<const MappedFile> MappedFile::open(const std::string& path) {
  // A FIFO must not hold us up.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file) throw Error(path + ": cannot be opened: " + std::strerror(errno));
  return of(file.get(), path);
}

std::shared_ptr<const MappedFile> MappedFile::of(int descriptor, const std::string& path) {
  std::shared_ptr<MappedFile> file(new MappedFile);
  file->path_ = path;
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) throw Error(path + ": " + std::strerror(errno));
  if (S_ISDIR(status.st_mode)) throw Error(path + ": expected a file, found a folder");
  if (!S_ISREG(status.st_mode))
    throw Error(path + ": expected a regular file, found a device, pipe or socket");
  if (status.st_size == 0) return file;
  const auto size = static_cast<std::size_t>(status.st_size);
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (data == MAP_FAILED) throw Error(path + ": cannot be mapped: " + std::strerror(errno));
  file->data_ = static_cast<const std::byte*>(data);
  file->size_ = size;
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
