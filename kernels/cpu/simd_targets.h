#pragma once

// Included before hwy/foreach_target.h. On x86-64 gcc compiles each kernel for AVX3 (AVX-512 F, VL,
// DQ, BW), AVX2 with FMA, SSE4, and one lane at a time below that. SSSE3 alone is not worth another
// copy; vectors of unknown length (SVE, RVV) cannot be held in the arrays of the register tiles.
#ifndef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#endif
