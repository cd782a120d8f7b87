#include "picture_decoders.h"
#include "png_chunks.h"
#include "stb_decoder.h"

namespace sidenet {

Tensor decode_png(std::span<const std::byte> bytes, const std::string& name) {
  const PictureSize size = check_png(bytes, name);
  check_size(size, name);
  return stb_decode(bytes, size, name);
}

const char* png_library() { return "stb_image"; }

}  // namespace sidenet
