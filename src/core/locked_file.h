#pragma once

#include <cstddef>
#include <string>

#include "descriptor.h"

namespace sidenet {

/// A small text file that several processes change in turn: who has one of these is the only one
/// that does, until it goes.
///
/// The lock is flock()'s, on the file itself. replace() puts a new file in its place, which is
/// locked before it has the name: who waited for the old one finds it gone, and waits for the new
/// one.
class LockedFile {
 public:
  /// Makes the file where there is none, and waits until no other has it (one of the same process
  /// counts as another). Throws Error: a link, a file with other hard links (they would keep the
  /// old text), no regular file, more than `most_bytes`, one that cannot be read and written.
  explicit LockedFile(const std::string& path, std::size_t most_bytes = std::size_t{1} << 20);
  LockedFile(const LockedFile&) = delete;
  LockedFile& operator=(const LockedFile&) = delete;

  /// Empty where the file is new, or where who made it died before it wrote.
  const std::string& text() const { return text_; }
  /// All of it, or nothing (AtomicFile), as often as wanted; the lock stays. Throws Error, also
  /// where somebody without the lock has removed or replaced the file, or added a link.
  void replace(const std::string& text);

 private:
  void open();
  bool is_at_path() const;
  void check_size(std::size_t bytes) const;
  void read();

  std::string path_, text_;
  std::size_t most_bytes_;
  Descriptor file_;
};

}  // namespace sidenet
