#include <algorithm>

#include "sidenet/error.h"
#include "sidenet/image.h"

namespace sidenet {

Tensor oriented_image(const Tensor& image, int orientation) {
  if (orientation < 1 || orientation > 8)
    throw Error("orientation: expected 1 to 8, got " + std::to_string(orientation));
  if (image.dtype() != DType::u8 || image.rank() != 3)
    throw Error("image: expected bytes (H, W, C), got " + to_string(image.shape()));
  if (orientation == 1) return image;
  // Where the shown picture's first pixel lies, and which way its rows go (TIFF 6.0, tag 274).
  const bool right = orientation == 2 || orientation == 3 || orientation >= 7;
  const bool bottom = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  // 5 and 7 are transposed; 6 and 8 turned.
  const bool swapped = orientation >= 5;
  const std::int64_t height = image.dim(0), width = image.dim(1), channels = image.dim(2);
  Tensor result(DType::u8, swapped ? Shape{width, height, channels} : image.shape());
  std::uint8_t* to = result.mutable_data<std::uint8_t>();
  for (std::int64_t y = 0; y < result.dim(0); ++y) {
    for (std::int64_t x = 0; x < result.dim(1); ++x, to += channels) {
      std::int64_t row = swapped ? x : y, column = swapped ? y : x;
      if (bottom) row = height - 1 - row;
      if (right) column = width - 1 - column;
      std::copy_n(image.data<std::uint8_t>() + (row * width + column) * channels, channels, to);
    }
  }
  return result;
}

}  // namespace sidenet
