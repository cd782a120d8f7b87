#pragma once

#include "file_bytes.h"

namespace sidenet {

/// A byte order mark of UTF-16, and not of UTF-32.
bool has_utf16_mark(const FileBytes& file);
/// The same text as UTF-8, in memory. Throws Error: an odd number of bytes, half a surrogate pair,
/// or more memory than a packed file may take.
FileBytes utf8_of_utf16(const FileBytes& file);

}  // namespace sidenet
