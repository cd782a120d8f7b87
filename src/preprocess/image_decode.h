#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "sidenet/tensor.h"

namespace sidenet {

/// A PNG, JPEG or BMP file's bytes as (H, W, C) bytes. `channels` is 1, 3, or 0: 1 for grey pictures, else 3. Sides are
/// at most 32,768 pixels and the picture 64 megapixels; both are checked before anything is decoded. Throws Error that
/// begins with `name`.
Tensor decode_image(std::span<const std::byte> bytes, int channels, const std::string& name);

}  // namespace sidenet
