#include "image_channels.h"

#include <cstring>

namespace sidenet {
namespace {

// 0.299 R + 0.587 G + 0.114 B, rounded to nearest.
std::uint8_t luma(const std::uint8_t* rgb) {
  return static_cast<std::uint8_t>((19595u * rgb[0] + 38470u * rgb[1] + 7471u * rgb[2] + 0x8000u) >>
                                   16);
}

}  // namespace

void convert_channels(const std::uint8_t* from, int from_channels, std::uint8_t* to,
                      int to_channels, std::size_t pixels) {
  if (from_channels == to_channels) {
    std::memcpy(to, from, pixels * static_cast<std::size_t>(to_channels));
    return;
  }
  const bool grey = from_channels <= 2;
  for (std::size_t i = 0; i < pixels; ++i, from += from_channels, to += to_channels) {
    if (to_channels == 1) {
      to[0] = grey ? from[0] : luma(from);
    } else {
      to[0] = from[0];
      to[1] = from[grey ? 0 : 1];
      to[2] = from[grey ? 0 : 2];
    }
  }
}

}  // namespace sidenet
