#pragma once

#include <cstddef>
#include <cstdint>

namespace sidenet {

/// Pixels of `from_channels` (1 grey, 2 grey + alpha, 3 RGB, 4 RGB + alpha) to `to_channels` (1 or
/// 3) interleaved bytes. As Pillow's convert("RGB") and convert("L"): alpha is dropped, grey
/// repeated, and colour turned grey with the weights of ITU-R 601 in 16-bit fixed point.
void convert_channels(const std::uint8_t* from, int from_channels, std::uint8_t* to,
                      int to_channels, std::size_t pixels);

}  // namespace sidenet
