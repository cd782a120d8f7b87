#pragma once

// Library: libsidenet (pkg-config sidenet, CMake sidenet::sidenet).

#include "sidenet/export.h"

namespace sidenet {

/// Fused multiply-adds that `threads` threads (0: all) get done together on this machine, as
/// GFLOP/s (two a multiply-add): float32, the widest vectors, nothing read from memory. Each
/// thread's best of many short stretches, while all of them work; takes about a tenth of a second.
SIDENET_API double measure_peak_gflops(int threads);

}  // namespace sidenet
