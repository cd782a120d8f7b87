#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "sidenet/tensor.h"

namespace sidenet {

/// Bytes with a name for messages, kept alive by `storage`: a mapped file, its decompressed
/// contents, or a tar member.
struct FileBytes {
  std::string name;
  std::span<const std::byte> bytes;
  std::shared_ptr<const Storage> storage;
  std::uint64_t packed_bytes = 0;  ///< of a gzip file: its own size
};

/// Maps a file; a gzip file is decompressed into memory (gzip.h says how much of it). Throws Error:
/// missing, unreadable, broken gzip.
FileBytes read_file_bytes(const std::string& path);

/// `name` with its control characters replaced by '?': messages are one line, and file names may
/// hold anything.
std::string printable(std::string name);
/// "batch.bin" of "data/batch.bin".
std::string base_name(const std::string& path);

}  // namespace sidenet
