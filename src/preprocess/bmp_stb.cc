#include "picture_bytes.h"
#include "picture_decoders.h"
#include "picture_size.h"
#include "stb_decoder.h"

namespace sidenet {
namespace {

PictureSize check_bmp(PictureBytes bytes, const std::string& name) {
  require(bytes, 0, 30, "a BMP header", name);
  const bool os2 = le32(bytes, 14) == 12;
  const auto height = static_cast<std::int32_t>(os2 ? le16(bytes, 20) : le32(bytes, 22));
  PictureSize size{PictureFormat::bmp, 0, 0, bytes.size()};
  size.width = os2 ? le16(bytes, 18) : le32(bytes, 18);
  size.height =
      height < 0 ? 0u - static_cast<std::uint32_t>(height) : static_cast<std::uint32_t>(height);
  const std::uint64_t bits = le16(bytes, os2 ? 24 : 28);
  if (bits > 32)
    fail_at(name, os2 ? 24 : 28,
            "BMP: expected at most 32 bits a pixel, got " + std::to_string(bits));
  // stb_image 2.27 shifts their palettes by two bytes.
  if (os2 && bits < 24)
    fail_at(name, 14, "expected a Windows BMP, got one of OS/2 with a palette: convert it to PNG");
  if (!os2 && bytes.size() >= 34 && (le32(bytes, 30) == 1 || le32(bytes, 30) == 2))
    fail_at(name, 30,
            "expected a BMP without compression, got run lengths (RLE): convert it to PNG");
  // Rows are padded to 4 bytes; both factors fit 36 bits, so the product is compared by division.
  const std::uint64_t row = (size.width * bits + 31) / 32 * 4, offset = le32(bytes, 10);
  if (offset > bytes.size() || (row > 0 && size.height > (bytes.size() - offset) / row)) {
    fail_at(name, bytes.size(),
            "truncated: a BMP of " + std::to_string(size.width) + " x " +
                std::to_string(size.height) + " pixels needs " + std::to_string(size.height) +
                " rows of " + std::to_string(row) + " bytes from byte " + std::to_string(offset));
  }
  return size;
}

}  // namespace

Tensor decode_bmp(std::span<const std::byte> bytes, const std::string& name) {
  const PictureSize size = check_bmp(bytes, name);
  check_size(size, name);
  return stb_decode(bytes, size, name);
}

}  // namespace sidenet
