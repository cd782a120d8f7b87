#include "picture_size.h"

#include <algorithm>

#include "sidenet/error.h"

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
// Each scan has tables made for it, however small the picture. One for every bit of every
// coefficient would be some 600.
constexpr std::uint64_t kMaxScans = 1000;

// The most that one byte of a file can hold: deflate expands at most 1032 times and PNG has 8
// pixels a byte; a JPEG block of 64 pixels takes a bit. A flat WebP has no pixels at all.
std::uint64_t max_pixels_per_byte(PictureFormat format) {
  if (format == PictureFormat::webp) return kFreePixels;
  return format == PictureFormat::png ? 1032 * 8 : 64 * 8;
}

std::string in_words(const PictureSize& size) {
  return std::to_string(size.width) + " x " + std::to_string(size.height) + " pixels";
}

}  // namespace

void check_size(const PictureSize& size, const std::string& name) {
  if (size.width == 0 || size.height == 0)
    throw Error(name + ": expected an image with pixels, got no pixels: " + in_words(size));
  if (size.width > kMaxSide || size.height > kMaxSide) {
    throw Error(name + ": expected sides of at most " + std::to_string(kMaxSide) + " pixels, got " +
                in_words(size));
  }
  if (size.pixels() > kMaxPixels) {
    throw Error(name + ": expected at most " + std::to_string(kMaxPixels) + " pixels in all, got " +
                in_words(size));
  }
  const std::uint64_t most = std::min(size.file_bytes * max_pixels_per_byte(size.format),
                                      kFreePixels + size.file_bytes * kPixelsPerByte);
  if (size.pixels() > most) {
    throw Error(name + ": the image claims " + in_words(size) + ", more than the " +
                std::to_string(most) + " that its " + std::to_string(size.file_bytes) +
                " bytes may hold");
  }
}

std::uint64_t most_scans(const PictureSize& size) {
  const std::uint64_t most =
      std::min(kMaxPixelScans, kFreePixelScans + size.file_bytes * kPixelScansPerByte);
  return std::min(kMaxScans, most / std::max<std::uint64_t>(size.pixels(), 1));
}

std::string too_many_scans(const PictureSize& size, const std::string& name) {
  return name + ": too many scans for its size: expected at most " +
         std::to_string(most_scans(size)) + " over " + in_words(size) + " in " +
         std::to_string(size.file_bytes) + " bytes, got more";
}

// Room for the file's joined chunks, two 16-bit RGBA copies and their 8-bit one, or a progressive
// JPEG's coefficients, planes and pixels, and padding to JPEG blocks.
std::size_t memory_for(const PictureSize& size) {
  constexpr std::size_t kMost = std::size_t{512} << 20;
  return std::min<std::size_t>(kMost, 24 * size.pixels()) + 4 * size.file_bytes +
         (std::size_t{16} << 20);
}

}  // namespace sidenet
