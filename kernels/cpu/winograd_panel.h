#pragma once

#include <cstddef>
#include <span>

#include "conv2d_shape.h"

// What winograd_conv2d.cc shares with the code that is compiled once for each instruction set.
namespace sidenet::kernels::cpu {

/// m = 4 evaluates at 0, ±2/3, ±3/2 and infinity: of the pairs tried it has the smallest error, a
/// quarter to a half of that of ±1, ±2. Their product of 1 saves multiplications.
inline constexpr double kWinogradInner = 2.0 / 3, kWinogradOuter = 1.5;

/// Input channels whose frequencies lie side by side.
inline constexpr std::size_t kInputBlock = 32;
/// Strides are odd numbers of lines: those of powers of two share few places in the caches.
inline constexpr std::size_t kLineFloats = 16;

/// A convolution.
struct WinogradProblem {
  Conv2dShape shape;
  Conv2dPost post;
  std::size_t tiles_x, tiles;
  std::size_t x_tile_stride, y_tile_stride;
  const float* packed;
  bool plain;    // packed as they are, see pack_winograd_weight()
  bool fetches;  // weights by software
  const float* bias;
  const float* zeros;  // a row of a tile
};

/// Some tiles of one image, and what is between the steps.
struct WinogradPanel {
  std::size_t first, tiles;
  float*
      x;  // transformed inputs: (tiles, inputs in blocks of kInputBlock, frequencies, kInputBlock)
  float* y;       // products of one block of outputs: (tiles, frequencies, kBlock)
  float* weight;  // if they come plain, transformed for one block of inputs: (frequencies,
                  // kInputBlock, width), strided
  std::span<const std::byte>
      coming;  // what this thread reads afterwards, still to be fetched into the caches
};

/// The transformed weights G g G^T, computed in double: for each block of `block` outputs (the last
/// as wide as it needs to be, in whole vectors of `lanes`, zeros behind the outputs) and each
/// frequency (inputs, width), one behind the other, as the product reads them. With tile 0 the taps
/// as they are: for each block (inputs, 9, width). weight: (out, in, 3, 3), times scale: (out) or
/// null.
void pack_winograd_weight(int tile, int in_channels, int out_channels, int block, int lanes,
                          const float* weight, const float* scale, float* packed);

}  // namespace sidenet::kernels::cpu
