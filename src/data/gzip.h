#pragma once

#include <cstdint>

#include "file_bytes.h"

namespace sidenet {

/// The most that a gzip file may expand to; the largest labelled-image set in use (EMNIST) takes half of it.
inline constexpr std::uint64_t kMaxInflated = std::uint64_t{1} << 30;

bool is_gzip(std::span<const std::byte> bytes);
/// All members (RFC 1952), joined. Throws Error: not gzip, cut short, wrong checksum, more than `limit` bytes. Memory
/// follows what was really inflated, within a factor of two.
FileBytes gunzip(std::span<const std::byte> bytes, const std::string& name, std::uint64_t limit = kMaxInflated);

}  // namespace sidenet
