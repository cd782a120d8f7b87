#pragma once

#include <vector>

#include "file_bytes.h"

namespace sidenet {

/// Whether the first header block looks like one: the ustar magic, or (old tar) a right checksum.
bool is_tar(std::span<const std::byte> bytes);
/// The regular files of a tar archive, in its order, named ARCHIVE/MEMBER (control characters
/// replaced by '?'). Reads ustar (POSIX 1003.1-1988), GNU long names and base-256 sizes, and pax
/// `path` and `size` (1003.1-2001). Nothing is extracted or opened: a member's name, "../x" too,
/// serves messages and the order of files only. Throws Error: wrong checksum, a member past the
/// end, no end block, a name of more than 4096 bytes, more than 65,536 files.
std::vector<FileBytes> read_tar(const FileBytes& archive);

}  // namespace sidenet
