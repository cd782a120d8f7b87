#pragma once

#include <fcntl.h>
#include <sys/stat.h>

#include <cstddef>
#include <optional>
#include <span>
#include <string>

namespace sidenet {

class OwnFolder;

/// Writes beside the target, and puts the file in its place only at commit(): a reader sees the old
/// file or the whole new one, and so does who comes after a kill or a power cut. Without commit()
/// (an exception, say) nothing is left.
///
/// Where the system can (O_TMPFILE), the new file has no name before it is whole, so that a kill
/// leaves nothing either; elsewhere it leaves NAME.partial-xxxxxxxx, which nobody needs (NAME cut
/// where that would be too long).
///
/// A symbolic link stays, and the file that it leads to is replaced. Permissions, and as far as the
/// system allows owner and group, are those of the old file, or a new file's. Other hard links keep
/// the old file. What is no regular file (a folder, FIFO, device, /dev/stdout) and a file that may
/// not be written are refused.
class AtomicFile {
 public:
  /// Throws Error where the target cannot be written. With `unnamed` false it does without
  /// O_TMPFILE.
  explicit AtomicFile(std::string path, bool unnamed = true);
  /// In a cache's folder no link is followed: what has the name is replaced, unless it is a folder,
  /// and nobody else may read the new file. With `flushed` false a power cut may leave part of it:
  /// for what tells whether it is whole.
  AtomicFile(const OwnFolder& folder, const std::string& name, bool flushed = true);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Throws Error on a short write (a full disk).
  void write(std::span<const std::byte> bytes);
  void write(const std::string& text) { write(std::as_bytes(std::span(text.data(), text.size()))); }
  /// Flushes to disk and renames. Throws Error.
  void commit();
  /// The same, with an exclusive flock() from before the file has its name on. Gives its
  /// descriptor, which is the caller's to close, and the lock with it.
  [[nodiscard]] int commit_locked();

 private:
  void put_in_place();
  void check_target();
  bool open_unnamed();
  void open_named();
  void take_over_owner_and_mode();
  void give_name();
  [[noreturn]] void fail(const char* what) const;

  std::string path_;       // as it was given, for messages
  std::string target_;     // behind symbolic links; relative to `folder_`
  std::string temporary_;  // empty while the file has no name
  std::optional<struct stat> old_;
  int folder_ = AT_FDCWD;  // or a cache's
  mode_t mode_ = 0666;     // while it is written; a new file keeps it
  bool flushed_ = true;
  int fd_ = -1;
};

}  // namespace sidenet
