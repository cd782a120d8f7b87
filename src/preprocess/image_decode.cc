#include "image_decode.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <vector>

#include "image_channels.h"
#include "image_containers.h"
#include "mapped_file.h"
#include "sidenet/error.h"
#include "sidenet/image.h"
#include "stb_decoder.h"

namespace sidenet {
namespace {

constexpr std::uint64_t kMaxSide = 1 << 15;
constexpr std::uint64_t kMaxPixels = 1 << 26;
// Flat pictures: a small file may hold as many pixels, a larger picture needs a byte for each
// kPixelsPerByte.
constexpr std::uint64_t kFreePixels = 1 << 24, kPixelsPerByte = 64;
// Pixels times scans, at up to 4 ns each: keeps a progressive JPEG with many scans from running
// long. Usual ones have 10.
constexpr std::uint64_t kFreePixelScans = std::uint64_t{1} << 27, kPixelScansPerByte = 256;
constexpr std::uint64_t kMaxPixelScans = std::uint64_t{1} << 29;

// The most that one byte of a file can hold: deflate expands at most 1032 times and PNG has 8
// pixels a byte; a JPEG block of 64 pixels takes a bit. Nothing is allocated for pictures that
// claim more.
std::uint64_t max_pixels_per_byte(ImageFormat format) {
  return format == ImageFormat::png ? 1032 * 8 : 64 * 8;
}

void check_size(const ImageHeader& header, std::size_t file_size, const std::string& name) {
  const std::uint64_t width = header.width, height = header.height;
  const std::string size = std::to_string(width) + " x " + std::to_string(height) + " pixels";
  if (width == 0 || height == 0)
    throw Error(name + ": expected an image with pixels, got no pixels: " + size);
  if (width > kMaxSide || height > kMaxSide) {
    throw Error(name + ": expected sides of at most " + std::to_string(kMaxSide) + " pixels, got " +
                size);
  }
  if (width * height > kMaxPixels) {
    throw Error(name + ": expected at most " + std::to_string(kMaxPixels) + " pixels in all, got " +
                size);
  }
  const std::uint64_t most = std::min(file_size * max_pixels_per_byte(header.format),
                                      kFreePixels + file_size * kPixelsPerByte);
  if (width * height > most) {
    throw Error(name + ": the image claims " + size + ", more than the " + std::to_string(most) +
                " that its " + std::to_string(file_size) + " bytes may hold");
  }
  if (width * height * header.scans >
      std::min(kMaxPixelScans, kFreePixelScans + file_size * kPixelScansPerByte)) {
    throw Error(name + ": too many scans for its size: " + std::to_string(header.scans) + " over " +
                size + " in " + std::to_string(file_size) + " bytes");
  }
}

// Room for the file's joined chunks, two 16-bit RGBA copies and their 8-bit one, or a progressive
// JPEG's coefficients, planes and pixels, and padding to JPEG blocks.
std::size_t memory_for(const ImageHeader& header, std::size_t file_size) {
  constexpr std::size_t kMost = std::size_t{512} << 20;
  return std::min(kMost, std::size_t{24} * header.width * header.height) + 4 * file_size +
         (std::size_t{16} << 20);
}

// The JPEG with that marker in it.
std::vector<std::byte> with_adobe_marker(std::span<const std::byte> bytes,
                                         const ImageHeader::AdobeMarker& adobe) {
  std::array<unsigned char, 16> marker{0xff, 0xee, 0, 14, 'A', 'd', 'o', 'b', 'e', 0, 100};
  marker.back() = static_cast<unsigned char>(adobe.transform);
  std::vector<std::byte> result(bytes.begin(),
                                bytes.begin() + static_cast<std::ptrdiff_t>(adobe.at));
  for (const unsigned char byte : marker) result.push_back(std::byte{byte});
  result.insert(result.end(), bytes.begin() + static_cast<std::ptrdiff_t>(adobe.at), bytes.end());
  return result;
}

}  // namespace

Tensor decode_image(std::span<const std::byte> bytes, int channels, const std::string& name) {
  if (channels != 0 && channels != 1 && channels != 3) {
    throw Error(name + ": channels: expected 1 or 3, got " + std::to_string(channels));
  }
  const ImageHeader header = check_image(bytes, name);
  check_size(header, bytes.size(), name);
  std::vector<std::byte> marked;
  if (header.adobe) {
    marked = with_adobe_marker(bytes, *header.adobe);
    bytes = marked;
  }
  const StbPicture claimed = stb_inspect(bytes, name);
  if (static_cast<std::uint32_t>(claimed.width) != header.width ||
      static_cast<std::uint32_t>(std::abs(claimed.height)) != header.height) {  // BMP: top down
    throw Error(name + ": expected one size, got headers that disagree: " +
                std::to_string(header.width) + " x " + std::to_string(header.height) + " and " +
                std::to_string(claimed.width) + " x " + std::to_string(claimed.height));
  }
  Tensor image;
  stb_decode(bytes, memory_for(header, bytes.size()), name, [&](const StbPicture& picture) {
    const int wanted = channels != 0 ? channels : picture.channels <= 2 ? 1 : 3;
    image = Tensor(DType::u8, {picture.height, picture.width, wanted});
    convert_channels(
        picture.pixels, picture.channels, image.mutable_data<std::uint8_t>(), wanted,
        static_cast<std::size_t>(picture.height) * static_cast<std::size_t>(picture.width));
  });
  return image;
}

Tensor read_image(const std::string& path, int channels) {
  if (channels != 1 && channels != 3)
    throw Error(path + ": channels: expected 1 or 3, got " + std::to_string(channels));
  return decode_image(MappedFile::open(path)->bytes(), channels, path);
}

}  // namespace sidenet
