#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace sidenet {

/// Writes beside the target, and puts the file in its place only at commit(): a reader sees the old file or the whole
/// new one. Without commit() (an exception, say) the temporary file is removed.
class AtomicFile {
 public:
  /// Throws Error where the folder cannot be written.
  explicit AtomicFile(std::string path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Throws Error on a short write (a full disk).
  void write(std::span<const std::byte> bytes);
  void write(const std::string& text) { write(std::as_bytes(std::span(text.data(), text.size()))); }
  /// Flushes to disk and renames. Throws Error.
  void commit();

 private:
  [[noreturn]] void fail(const char* what) const;
  std::string path_, temporary_;
  int fd_ = -1;
};

}  // namespace sidenet
