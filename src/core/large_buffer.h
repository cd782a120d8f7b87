#pragma once

#include <cstddef>
#include <memory>

namespace sidenet {

/// Uninitialised bytes, aligned to 64; from 2 MiB on aligned to 2 MiB and, where the system has
/// them, backed by huge pages: weights stream through memory once a run, and 4 KiB pages then cost
/// a page walk every 4 KiB. Throws std::bad_alloc.
std::shared_ptr<std::byte> allocate_large(std::size_t bytes);

}  // namespace sidenet
