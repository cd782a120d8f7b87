#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "sidenet/tensor.h"

// One function a format. The build takes a library's, or stb_image's (meson.build).
namespace sidenet {

/// The picture of a file that begins as its format does, as bytes (H, W, C): C 1 grey, 2 grey and
/// alpha, 3 RGB, 4 RGB and alpha. 16-bit samples keep their high byte. Sizes are checked before
/// anything is allocated for them, damage is refused. Throw Error that begins with `name`.
Tensor decode_png(std::span<const std::byte> bytes, const std::string& name);
Tensor decode_jpeg(std::span<const std::byte> bytes, const std::string& name);
Tensor decode_bmp(std::span<const std::byte> bytes, const std::string& name);
Tensor decode_webp(std::span<const std::byte> bytes, const std::string& name);

/// "libpng"; null: the build does not read the format.
const char* png_library();
const char* jpeg_library();
const char* webp_library();

}  // namespace sidenet
