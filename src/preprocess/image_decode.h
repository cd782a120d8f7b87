#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "sidenet/image.h"
#include "sidenet/tensor.h"

namespace sidenet {

/// What this build reads: "PNG, JPEG, WebP or BMP".
const char* picture_formats();

/// What the first bytes say, and the EXIF orientation behind them. Never throws.
PictureFacts picture_facts(std::span<const std::byte> bytes);

/// A picture file's bytes as (H, W, C) bytes. `channels` is 1, 3, or 0: 1 for grey pictures, else
/// 3. Sides are at most 32,768 pixels and the picture 64 megapixels; above 16 megapixels a file
/// needs a byte for every 64 pixels (a JPEG of one colour has one for 57 to 85). All is checked
/// before anything is decoded. Decoding takes up to 24 bytes a pixel, 512 MiB at most, and four
/// times the file and 16 MiB (a photograph of 64 megapixels needs about 6 bytes a pixel): pictures
/// are what may take more than three times a file's size and 64 MB. Throws Error that begins with
/// `name`.
Tensor decode_image(std::span<const std::byte> bytes, int channels, const std::string& name);

}  // namespace sidenet
