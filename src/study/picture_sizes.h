#pragma once

#include <cstdint>

#include "sidenet/dataset.h"

namespace sidenet {

/// Of some of a data set's pictures, spread evenly over it.
struct PictureSizes {
  std::int64_t shorter = 0;            ///< median of the shorter sides, pixels
  std::int64_t height = 0, width = 0;  ///< of all of them; 0 where they differ
  bool square = false;                 ///< every one
};

/// Decodes at most 32 pictures. The data has rows, and they are images.
PictureSizes picture_sizes(const Dataset& data);

}  // namespace sidenet
