#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "sidenet/image.h"

namespace sidenet {

/// What a picture's header says, and what decoding will cost.
struct PictureSize {
  PictureFormat format = PictureFormat::other;
  std::uint64_t width = 0, height = 0;  ///< pixels
  std::size_t file_bytes = 0;
  std::uint64_t pixels() const { return width * height; }
};

/// Nothing is allocated for pictures that claim more than their bytes may hold. Throws Error that
/// begins with `name`.
void check_size(const PictureSize& size, const std::string& name);
/// Passes over the pixels that a file of this size may ask for: JPEGs in several scans.
std::uint64_t most_scans(const PictureSize& size);
/// "too many scans …", as a whole line.
std::string too_many_scans(const PictureSize& size, const std::string& name);
/// Bytes that decoding may take at once.
std::size_t memory_for(const PictureSize& size);

}  // namespace sidenet
