#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "sidenet/tensor.h"

namespace sidenet {

/// Bytes with a name for messages, kept alive by `storage`: a mapped file, its decompressed
/// contents, or a tar member.
struct FileBytes {
  std::string name;
  std::span<const std::byte> bytes;
  std::shared_ptr<const Storage> storage;
  std::uint64_t packed_bytes = 0;  ///< of a gzip or UTF-16 file: its own size
};

/// Maps a file; a gzip file is decompressed into memory (gzip.h says how much of it). Throws Error:
/// missing, unreadable, broken gzip.
FileBytes read_file_bytes(const std::string& path);

/// Gives the pages of a mapped file back behind one who goes through it once: what memory it takes
/// does not grow with it.
class PassedPages {
 public:
  explicit PassedPages(const FileBytes& file) : file_(file) {}
  ~PassedPages() { release(file_.bytes.size()); }
  PassedPages(const PassedPages&) = delete;
  PassedPages& operator=(const PassedPages&) = delete;
  /// All before `position` has been read.
  void at(std::size_t position) {
    if (position >= released_ + kStep) release(position);
  }

 private:
  static constexpr std::size_t kStep = std::size_t{4} << 20;
  void release(std::size_t position);

  const FileBytes& file_;
  std::size_t released_ = 0;
};

/// The first place of `wanted`, at most some bytes long; npos: none.
std::size_t find_in(const FileBytes& file, std::string_view wanted);

/// `name` with its control characters replaced by '?': messages are one line, and file names may
/// hold anything.
std::string printable(std::string name);
/// "batch.bin" of "data/batch.bin".
std::string base_name(const std::string& path);

}  // namespace sidenet
