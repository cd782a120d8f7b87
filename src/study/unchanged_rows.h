#pragma once

#include <cstdint>
#include <vector>

#include "sidenet/dataset.h"

namespace sidenet {

/// How many of the first rows still have these digests (Dataset::digest()), up to the first that
/// has not. Reads every byte of them, on `threads` threads (0: all cores). Throws Error where a row
/// before that cannot be read.
std::int64_t unchanged_rows(const Dataset& data, const std::vector<std::uint64_t>& digests,
                            int threads);

}  // namespace sidenet
