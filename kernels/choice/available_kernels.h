#pragma once

#include <string>

#include "sidenet/kernels.h"

namespace sidenet::kernels {

/// Throws Error where this build does not have them.
void require_available(Kernels kernels);
/// The libraries that kernels come from, with their versions; empty: none.
std::string library_versions();

}  // namespace sidenet::kernels
