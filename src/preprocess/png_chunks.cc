#include "png_chunks.h"

#include <zlib.h>

namespace sidenet {
namespace {

std::uint32_t crc_of(PictureBytes bytes) {
  const auto* data = reinterpret_cast<const Bytef*>(bytes.data());
  return static_cast<std::uint32_t>(::crc32_z(0, data, bytes.size()));
}

}  // namespace

PictureSize check_png(PictureBytes bytes, const std::string& name) {
  PictureSize size{PictureFormat::png, 0, 0, bytes.size()};
  constexpr std::size_t kSignature = 8;
  std::size_t at = kSignature;
  for (bool first = true;; first = false) {
    require(bytes, at, 12, "a PNG chunk", name);
    const std::size_t length = be32(bytes, at);
    const std::string type(reinterpret_cast<const char*>(bytes.data() + at + 4), 4);
    require(bytes, at + 8, length + 4, "a PNG chunk's data", name);
    if (first && (type != "IHDR" || length != 13))
      fail_at(name, at, "expected the PNG chunk IHDR of 13 bytes, got another chunk");
    const std::uint32_t stored = be32(bytes, at + 8 + length),
                        computed = crc_of(bytes.subspan(at + 4, length + 4));
    if (stored != computed)
      fail_at(name, at,
              "the PNG chunk's checksum does not match its data: expected " +
                  std::to_string(stored) + ", got " + std::to_string(computed));
    if (first) {
      size.width = be32(bytes, at + 8);
      size.height = be32(bytes, at + 12);
      const std::uint32_t depth = u8(bytes, at + 16), colour = u8(bytes, at + 17);
      if (depth == 16 && colour == 0) {
        fail_at(
            name, at + 16,
            "expected at most 8 bits of grey in a PNG, got 16: Pillow makes all above 255 white; "
            "convert it to 8 bits");
      }
    }
    if (type == "CgBI")
      fail_at(name, at,
              "expected a standard PNG, got Apple's own variant (CgBI): convert it to PNG");
    if (type == "IEND") return size;
    at += 12 + length;
  }
}

}  // namespace sidenet
