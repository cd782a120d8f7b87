#include "picture_decoders.h"
#include "sidenet/error.h"

namespace sidenet {

Tensor decode_webp(std::span<const std::byte>, const std::string& name) {
  throw Error(name + ": expected an image (PNG, JPEG or BMP), got a WebP picture, and this build " +
              "has no libwebp: convert it to PNG");
}

const char* webp_library() { return nullptr; }

}  // namespace sidenet
