#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

namespace sidenet {

/// One decoded picture: interleaved bytes, (height, width, channels) with 1 to 4 channels. Lives
/// during the call only.
struct StbPicture {
  const std::uint8_t* pixels = nullptr;
  int width = 0, height = 0, channels = 0;
};

/// Decodes with stb_image, which may hold at most `memory` bytes at once; hands the picture to
/// `use`. 16-bit samples keep their high byte. Throws Error with `name` and stb_image's reason.
void stb_decode(std::span<const std::byte> bytes, std::size_t memory, const std::string& name,
                const std::function<void(const StbPicture&)>& use);
/// Width and height alone, from the header. Throws Error with `name`.
StbPicture stb_inspect(std::span<const std::byte> bytes, const std::string& name);

}  // namespace sidenet
