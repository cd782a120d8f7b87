#pragma once

#include "own_folder.h"
#include "secret_digest.h"

namespace sidenet {

/// The secret of a cache, in its file `secret`, which nobody else may read. Made where there is
/// none; who removes it loses what is cached. Throws Error where it cannot be written.
Secret secret_of(const OwnFolder& folder);

}  // namespace sidenet
