#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace sidenet {

enum class ImageFormat { png, jpeg, bmp };

/// What a container says of its picture, and what decoding will cost.
struct ImageHeader {
  ImageFormat format = ImageFormat::png;
  std::uint32_t width = 0, height = 0;  ///< pixels
  std::uint32_t scans = 1;              ///< passes over the pixels (progressive JPEG)
  /// A JPEG's colours that stb_image would take for others than libjpeg does, such as CMYK without
  /// Adobe's marker: the marker to put in at this byte, and its transform.
  struct AdobeMarker {
    std::size_t at = 0;
    int transform = 0;
  };
  std::optional<AdobeMarker> adobe = {};
};

/// Walks the container from end to end without decoding a pixel. It refuses what the decoder would
/// take silently or unsafely: files cut short, PNG chunks with a wrong checksum, BMPs with fewer
/// bytes than pixels, and Huffman tables with more symbols than stb_image 2.27 has room for (fixed
/// upstream in 2.28). Throws Error that begins with `name`.
ImageHeader check_image(std::span<const std::byte> bytes, const std::string& name);

}  // namespace sidenet
