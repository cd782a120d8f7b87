#pragma once

#include <cstdint>

#include "file_bytes.h"

namespace sidenet {

/// The most that a gzip file may expand to, so that reading it takes no more memory than other
/// files may: three times its size and 48 MiB. Photographs hardly expand (CIFAR), texts 2 to 4
/// times, handwritten digits, mostly background, about 5 times: MNIST (10 MB, to 47) and texts of
/// any size pass, EMNIST's 550 MB must be unpacked first, as the message says.
constexpr std::uint64_t max_inflated(std::uint64_t file_bytes) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 40, kFloor = std::uint64_t{48} << 20,
                          kExpansion = 3;
  return file_bytes > (kMost - kFloor) / kExpansion ? kMost : kFloor + kExpansion * file_bytes;
}

bool is_gzip(std::span<const std::byte> bytes);
/// All members (RFC 1952), joined. Throws Error: not gzip, cut short, wrong checksum, more than
/// `limit` bytes. Memory follows what was really inflated, whatever the file claims; of a mapped
/// file (`input`) pages go as they are read.
FileBytes gunzip(std::span<const std::byte> bytes, const std::string& name, std::uint64_t limit,
                 const Storage* input = nullptr);

}  // namespace sidenet
