#pragma once

namespace sidenet {

/// Fused multiply-adds that `threads` threads get done together on this machine, as GFLOP/s (two a
/// multiply-add): float32, the widest vectors, nothing read from memory. Each thread's best of many
/// short stretches, while all of them work; takes about a tenth of a second.
double measure_peak_gflops(int threads);

}  // namespace sidenet
