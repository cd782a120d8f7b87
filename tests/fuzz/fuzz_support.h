#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <span>
#include <string>
#include <string_view>

#include "sidenet/error.h"
#include "sidenet/tensor.h"

// What the fuzz targets share. A target fails by abort(): libFuzzer then keeps the input.
namespace sidenet::fuzz {

inline void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "fuzz target: expected %s\n", what);
  std::abort();
}

/// One line for a person: printable, not endless, and it names the input.
inline void expect_clear(const Error& error, std::string_view source) {
  const std::string_view message = error.what();
  const bool printable =
      message.find_first_of(std::string_view("\0\n\r\x1b", 4)) == std::string_view::npos;
  if (printable && message.size() < 8000 && message.find(source) != std::string_view::npos) return;
  std::fprintf(stderr, "message: %s\n", error.what());
  expect(printable, "a message of one line");
  expect(message.size() < 8000, "a short message");
  expect(false, "a message that names the file");
}

/// Runs `read`, out of which only a clear Error may come.
template <typename Read>
void refusable(std::string_view source, Read read) {
  try {
    read();
  } catch (const Error& error) {
    expect_clear(error, source);
  }
}

/// Reads every byte, so that a view outside the file is seen by the address sanitizer.
inline void touch(std::span<const std::byte> bytes) {
  static volatile std::byte sink;
  for (const std::byte byte : bytes) sink = byte;
  (void)sink;
}
inline void touch(const Tensor& tensor) { touch(std::span(tensor.raw(), tensor.bytes())); }

inline std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// An input that ends with "*BEGIN,LENGTH,COUNT" stands for a larger one: LENGTH bytes of it from
/// BEGIN on COUNT times, with their number for each #, and neither this ending nor more than 1 MiB.
/// Another input is what it is.
inline std::string enlarged(std::string_view input) {
  constexpr std::size_t kMost = std::size_t{1} << 20, kLongestEnd = 24;
  const std::size_t star = input.rfind('*');
  if (star == std::string_view::npos || input.size() - star > kLongestEnd)
    return std::string(input);
  unsigned long begin = 0, length = 0, count = 0;
  int read = 0;
  const std::string end(input.substr(star));
  if (std::sscanf(end.c_str(), "*%lu,%lu,%lu%n", &begin, &length, &count, &read) != 3 ||
      static_cast<std::size_t>(read) != end.size() || begin > star || length == 0 ||
      length > star - begin || count > kMost / length) {
    return std::string(input);
  }
  std::string result(input.substr(0, begin));
  for (unsigned long i = 0; i < count; ++i) {
    for (const char c : input.substr(begin, length))
      c == '#' ? result += std::to_string(i) : result += c;
  }
  return result += input.substr(begin + length, star - begin - length);
}

/// A file in memory with a path.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view content) : fd_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    expect(fd_ >= 0, "a file in memory");
    while (!content.empty()) {
      const ssize_t written = ::write(fd_, content.data(), content.size());
      expect(written > 0, "room for a file in memory");
      content.remove_prefix(static_cast<std::size_t>(written));
    }
  }
  ~MemoryFile() { ::close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

/// The part up to the next `separator`, which is taken off `rest` with it.
inline std::string_view take_until(std::string_view& rest, char separator) {
  const std::size_t end = std::min(rest.find(separator), rest.size());
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return part;
}

}  // namespace sidenet::fuzz
