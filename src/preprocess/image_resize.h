#pragma once

#include "sidenet/image.h"
#include "sidenet/tensor.h"

namespace sidenet {

/// A rectangle of pixels.
struct Window {
  std::int64_t x = 0, y = 0, width = 0, height = 0;
};

/// The part `window` of `image`, (H, W, C) bytes with C 1 or 3, resized to (height, width);
/// (window.height, window.width, C) bytes. Equals Pillow's Image.resize((width, height),
/// interpolation).crop(window) to the byte: a filter as wide as the reduction (antialiasing),
/// horizontal pass first, each in 22-bit fixed point and rounded to bytes; nearest takes one pixel.
/// (Pillow 13 takes the vertical pass first where the height shrinks by more than twice as many
/// pixels as the width; bytes of such images then differ a little from older versions and from
/// here.) The window lies inside the result; only what it needs is computed.
Tensor resize_image(const Tensor& image, std::int64_t height, std::int64_t width,
                    const Window& window, Interpolation interpolation);

}  // namespace sidenet
