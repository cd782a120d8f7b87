#include <zlib.h>

#include <vector>

#include "fuzz_support.h"
#include "image_decode.h"
#include "sidenet/image.h"

namespace {

// Rewrites the checksums of a PNG's chunks, so that mutations reach the decoder behind them.
void repair_png(std::vector<std::uint8_t>& bytes) {
  const auto be32 = [&](std::size_t at) {
    return std::size_t{bytes[at]} << 24 | std::size_t{bytes[at + 1]} << 16 |
           std::size_t{bytes[at + 2]} << 8 | bytes[at + 3];
  };
  if (bytes.size() < 8 || bytes[0] != 0x89) return;
  for (std::size_t at = 8; bytes.size() - at >= 12;) {
    const std::size_t length = be32(at);
    if (length > bytes.size() - at - 12) return;
    const auto crc = ::crc32(0, bytes.data() + at + 4, static_cast<uInt>(length + 4));
    for (std::size_t i = 0; i < 4; ++i)
      bytes[at + 8 + length + i] = static_cast<std::uint8_t>(crc >> (24 - 8 * i));
    at += 12 + length;
  }
}

}  // namespace

// Decodes, turns and preprocesses; only sidenet::Error may come out.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::uint8_t> bytes(data, data + size);
  repair_png(bytes);
  sidenet::fuzz::refusable("input", [&] {
    const auto view = std::as_bytes(std::span(bytes));
    const sidenet::PictureFacts facts = sidenet::picture_facts(view);
    const sidenet::Tensor image = sidenet::decode_image(view, 0, "input");
    sidenet::Preprocessing preprocessing;
    preprocessing.interpolation = static_cast<sidenet::Interpolation>(size % 6);
    preprocessing.crop_mode = static_cast<sidenet::CropMode>(size / 6 % 2);
    preprocessing.crop_rounding = static_cast<sidenet::CropRounding>(size / 12 % 2);
    preprocessing.resize = 8;
    preprocessing.crop = 7;
    preprocessing.channels = size % 2 == 0 ? 1 : 3;
    if (image.size() >= (1 << 20)) return;
    sidenet::preprocess_image(sidenet::oriented_image(image, facts.orientation), preprocessing);
  });
  return 0;
}
