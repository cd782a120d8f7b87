#pragma once

#include <cstddef>

#include "winograd_panel.h"

// What winograd_product.cc takes, for any instruction set.
namespace sidenet::kernels::cpu {

struct ProductArguments {
  const float*
      x;  // (R tiles, inputs in blocks of kInputBlock, all frequencies of the tile, kInputBlock)
  std::size_t x_tile_stride, x_block_stride;
  const float* weight;  // (frequencies, inputs, V * kLanes), aligned, with a stride
  std::size_t weight_frequency_stride;
  std::size_t inputs, frequencies;
  float* y;  // (R tiles, all frequencies of the tile, block width)
  std::size_t y_tile_stride;
  const char* prefetch;       // what is wanted next
  std::size_t prefetch_step;  // bytes of it for each input; 0: nothing is
  const std::byte* coming;    // what is wanted after all that: a line of it for each input
  bool accumulate;            // go on with the sums in y
};

/// What is fetched meanwhile.
enum class Prefetch { none, next, next_and_coming };

/// y = x weight at each frequency, or y + x weight. An output is one chain of multiply-adds over
/// the inputs, in order, in a block of any size, and whether or not it is interrupted.
using ProductFunction = void (*)(const ProductArguments&);

}  // namespace sidenet::kernels::cpu
