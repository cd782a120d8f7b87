#pragma once

#include <zip.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace sidenet {

/// A libzip source over bytes in memory that remembers where libzip last read. libzip does not tell where an entry's
/// data lies; the place of its first read is that offset, found by the same code that would read the entry.
struct SpanSource {
  std::span<const std::byte> bytes;
  std::uint64_t position = 0;
  std::uint64_t last_read_offset = 0;
  std::uint64_t last_read_size = 0;
  std::uint64_t reads = 0;
  zip_error_t error{};

  /// For zip_source_function_create, with a SpanSource as user data that outlives the archive.
  static zip_int64_t callback(void* user, void* data, zip_uint64_t length, zip_source_cmd_t command);
};

}  // namespace sidenet
