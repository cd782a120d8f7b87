#include <algorithm>

#include "image_resize.h"
#include "sidenet/error.h"
#include "sidenet/image.h"

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#endif
#include <stb_image_write.h>
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

namespace sidenet {

std::string encode_png(const Tensor& image) {
  const auto height = static_cast<int>(image.dim(0)), width = static_cast<int>(image.dim(1)),
             channels = static_cast<int>(image.dim(2));
  std::string file;
  const auto append = [](void* context, void* bytes, int size) {
    static_cast<std::string*>(context)->append(static_cast<const char*>(bytes),
                                               static_cast<std::size_t>(size));
  };
  if (stbi_write_png_to_func(append, &file, width, height, channels, image.raw(),
                             width * channels) == 0)
    throw Error("png: expected an image that can be encoded, got " + to_string(image.shape()));
  return file;
}

Tensor thumbnail(const Tensor& image, std::int64_t size) {
  const std::int64_t height = image.dim(0), width = image.dim(1), longest = std::max(height, width);
  if (longest <= size) return image;
  const auto scaled = [&](std::int64_t side) {
    return std::max<std::int64_t>(1, (side * size + longest / 2) / longest);
  };
  const std::int64_t to_height = scaled(height), to_width = scaled(width);
  return resize_image(image, to_height, to_width, {0, 0, to_width, to_height},
                      Interpolation::bilinear);
}

}  // namespace sidenet
