#pragma once

#include <cstddef>

#include "conv2d_shape.h"

// What direct_conv2d.cc shares with direct_strip.cc and direct_wide_strip.cc, which are compiled
// once for each instruction set.
namespace sidenet::kernels::cpu {

inline constexpr int kMostKernel = 16;

/// What is fetched into the caches, bytes for each input that a tile reads.
struct DirectFetch {
  const char* from;
  std::size_t step;
};

/// Rows of outputs, and one block of their channels.
struct DirectStrip {
  const float* const* rows;  // (lines, kernel_h): input rows under the kernel, from where its first
                             // column first lies
  std::size_t lines, kernel_h;
  std::size_t run;          // inputs under a row of the kernel, one behind the other
  std::size_t stride;       // from one pixel's inputs to the next one's
  std::size_t outputs;      // pixels of a line
  std::size_t channels;     // of all blocks
  std::size_t vectors;      // of this block
  const float* weight;      // (kernel_h, run, vectors)
  const float* weight_end;  // of what this thread reads
  const float* bias;
  Conv2dPost post;
  float* y;  // (lines, outputs, channels), from this block's first on
};

inline constexpr std::size_t kNarrowVectors = 2;  // of a block with high tiles

/// Its sums, as the instruction set of this machine does them.
void compute_direct_strip(const DirectStrip& strip, DirectFetch& fetch);
/// The same, of blocks with more than kNarrowVectors.
void compute_wide_strip(const DirectStrip& strip, DirectFetch& fetch);
/// Channels of a register tile, and its pixels. wide: more channels and fewer pixels.
std::size_t width_of_direct_tile(bool wide);
std::size_t pixels_of_direct_tile(bool wide);

}  // namespace sidenet::kernels::cpu
