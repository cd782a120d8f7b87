#pragma once

#include <string>

namespace sidenet {

/// What the bits of features depend on besides model, data and options: every source of this
/// library, what it was built with, oneDNN, instruction sets and the caches that kernels are chosen
/// by.
std::string build_fingerprint();

}  // namespace sidenet
