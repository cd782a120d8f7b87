#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "picture_size.h"
#include "sidenet/tensor.h"

namespace sidenet {

/// The picture as bytes (H, W, C), C 1 to 4, by stb_image, which may hold memory_for(size) at once.
/// 16-bit samples keep their high byte. Throws Error with `name` and stb_image's reason, and where
/// it sees another size.
Tensor stb_decode(std::span<const std::byte> bytes, const PictureSize& size,
                  const std::string& name);

}  // namespace sidenet
