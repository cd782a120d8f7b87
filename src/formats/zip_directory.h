#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sidenet {

/// What a zip file's directory says of one entry, checked against the file.
struct ZipRecord {
  std::string_view name;
  std::uint64_t header = 0;                // where its local header begins
  std::uint64_t compressed = 0, size = 0;  // bytes in the file, and inflated
  std::uint64_t limit = 0;                 // where the next entry, or the directory, begins
  std::uint32_t checksum = 0;              // CRC-32
  std::uint16_t method = 0, flags = 0;
};

/// The directory of a zip file (PKWARE's APPNOTE.TXT 4.3 and 4.4, zip64 too), sorted by name.
/// Strict, since readers differ on what the format leaves open: one end record alone may fit the
/// end of the file, the directory lies right before it and holds as many records as it says,
/// entries do not overlap, names occur once. Names are keys only, and nothing is ever opened or
/// written by them; those that other programs could be led astray by (absolute, "..", a backslash,
/// a zero byte) are refused all the same. Throws Error, naming `where` and the byte or the entry.
/// Memory: 72 bytes a record of at least 46 in the file.
std::vector<ZipRecord> read_zip_directory(std::span<const std::byte> bytes,
                                          const std::string& where);

/// Where the bytes of an entry lie. Throws Error, starting with `where`, for a local header that
/// disagrees with the directory, and bytes that reach into the next entry.
std::span<const std::byte> zip_entry_bytes(std::span<const std::byte> bytes,
                                           const ZipRecord& record, const std::string& where);

}  // namespace sidenet
