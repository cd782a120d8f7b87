#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

#include "jpeg_scan.h"
#include "picture_bytes.h"
#include "picture_decoders.h"
#include "picture_size.h"
#include "sidenet/error.h"
#include "stb_decoder.h"

namespace sidenet {
namespace {

struct JpegHeader {
  PictureSize size;
  std::uint32_t scans = 0;  ///< passes over the pixels
  bool has_end = true;
  /// Colours that stb_image would take for others than libjpeg does, such as CMYK without Adobe's
  /// marker: the marker to put in at this byte, and its transform.
  struct AdobeMarker {
    std::size_t at = 0;
    int transform = 0;
  };
  std::optional<AdobeMarker> adobe = {};
};

// stb_image 2.27 writes past its 256-entry tables where a segment holds more symbols, and takes
// symbol 255 of a short code for its "not found" mark. 8-bit samples never need more than 176
// symbols (ITU-T T.81, annex F and G). Returns how many tables there are.
std::uint32_t check_huffman_tables(PictureBytes segment, std::size_t at, const std::string& name) {
  std::uint32_t tables = 0;
  while (!segment.empty()) {
    if (segment.size() < 17) fail_at(name, at, "a JPEG Huffman table is cut short");
    std::uint32_t symbols = 0, codes = 0;
    for (std::size_t length = 1; length <= 16; ++length) {
      symbols += u8(segment, length);
      codes = 2 * codes +
              u8(segment, length);  // codes of this length or shorter, in units of 2^-length
      if (codes > (1u << length))
        fail_at(name, at, "a JPEG Huffman table has more codes than fit their lengths");
    }
    if (symbols > 255)
      fail_at(name, at,
              "expected at most 255 symbols, but a JPEG Huffman table has " +
                  std::to_string(symbols) + " symbols");
    if (segment.size() < 17 + symbols) fail_at(name, at, "a JPEG Huffman table is cut short");
    segment = segment.subspan(17 + symbols);
    at += 17 + symbols;
    ++tables;
  }
  return tables;
}

// Where the entropy-coded data that starts at `at` ends: a marker that is neither a stuffed zero
// nor a restart.
std::size_t skip_entropy_coded(PictureBytes bytes, std::size_t at) {
  while (at + 1 < bytes.size()) {
    const auto* found =
        static_cast<const std::byte*>(std::memchr(bytes.data() + at, 0xff, bytes.size() - 1 - at));
    if (found == nullptr) break;
    at = static_cast<std::size_t>(found - bytes.data());
    const std::uint32_t next = u8(bytes, at + 1);
    if (next != 0x00 && next != 0xff && (next < 0xd0 || next > 0xd7)) return at;
    at += next == 0xff ? 1 : 2;
  }
  return bytes.size();
}

// What tells a decoder the colours of a JPEG, up to its first scan.
struct JpegColours {
  std::uint32_t components = 0;
  bool are_named_rgb = false, has_jfif = false;
  std::optional<std::uint32_t> transform,
      stb_transform;  // Adobe's, as libjpeg and stb_image find it

  void read_segment(std::uint32_t marker, PictureBytes segment) {
    const auto begins = [&](std::string_view text, std::size_t size) {
      return segment.size() >= size && std::memcmp(segment.data(), text.data(), text.size()) == 0;
    };
    if (marker == 0xe0 && begins(std::string_view("JFIF", 5), 14)) has_jfif = true;
    if (marker == 0xee && begins("Adobe", 12)) {
      transform = u8(segment, 11);
      if (u8(segment, 5) == 0) stb_transform = transform;
    }
    if (marker >= 0xc0 && marker <= 0xc2 && components == 0 && segment.size() >= 6) {
      components = u8(segment, 5);
      are_named_rgb = components == 3 && segment.size() >= 15 && u8(segment, 6) == 'R' &&
                      u8(segment, 9) == 'G' && u8(segment, 12) == 'B';
    }
  }

  // libjpeg's rules (default_decompress_parms), where stb_image has others: the Adobe transform
  // to tell it, if any.
  std::optional<int> correction(const std::string& name, std::size_t at) const {
    if (components == 4) {
      const std::uint32_t wanted = transform && *transform != 0 ? 2 : 0;
      if (stb_transform != wanted) return static_cast<int>(wanted);
      return std::nullopt;
    }
    if (components != 3) return std::nullopt;
    const bool is_rgb = !has_jfif && (transform ? *transform == 0 : are_named_rgb);
    if (are_named_rgb && !is_rgb)
      fail_at(name, at,
              "expected one kind of colours in a JPEG, got components named R, G and B "
              "behind a marker that says YCbCr");
    if (is_rgb && !are_named_rgb && stb_transform != 0u) return 0;
    return std::nullopt;
  }
};

/// Walks a JPEG from end to end without decoding a pixel. It refuses what stb_image takes silently
/// or unsafely.
JpegHeader check_jpeg(PictureBytes bytes, const std::string& name) {
  constexpr std::uint32_t kHuffman = 0xc4, kEnd = 0xd9, kScan = 0xda;
  // The decoder builds every table at once. Encoders make 10 scans, with up to 4 tables each.
  constexpr std::uint32_t kMaxScans = 1000, kMaxTables = 4000;
  JpegHeader header;
  header.size = {PictureFormat::jpeg, 0, 0, bytes.size()};
  std::uint32_t tables = 0;
  bool is_progressive = false;
  JpegColours colours;
  JpegScans scans;
  for (std::size_t at = 2;;) {
    while (at < bytes.size() && u8(bytes, at) != 0xff) ++at;  // padding between segments
    while (at < bytes.size() && u8(bytes, at) == 0xff) ++at;
    if (at >= bytes.size()) {
      // A sequential JPEG's blocks have been seen; scans of another could be missing.
      if (header.scans == 1 && !is_progressive) {
        header.has_end = false;
        break;
      }
      fail_at(name, bytes.size(), "truncated: the JPEG has no end marker");
    }
    const std::uint32_t marker = u8(bytes, at++);
    if (marker == kEnd) break;
    if (marker < 0xc0 || (marker >= 0xd0 && marker <= 0xd8))
      fail_at(name, at - 1,
              "expected a JPEG segment, got the unexpected JPEG marker " + std::to_string(marker));
    const bool is_frame = marker >= 0xc0 && marker <= 0xcf && marker != kHuffman &&
                          marker != 0xc8 &&
                          marker != 0xcc;  // reserved; tables of arithmetic coding
    if (is_frame && marker > 0xc2)
      fail_at(name, at - 1,
              "expected a baseline or progressive JPEG, got a lossless, hierarchical or "
              "arithmetic-coded one: convert it to PNG");
    require(bytes, at, 2, "a JPEG segment", name);
    const std::size_t length = be16(bytes, at);
    if (length < 2)
      fail_at(
          name, at,
          "expected a length of 2 or more: a JPEG segment is shorter than its own length field");
    require(bytes, at, length, "a JPEG segment", name);
    const PictureBytes segment = bytes.subspan(at + 2, length - 2);
    if (marker == kHuffman) tables += check_huffman_tables(segment, at + 2, name);
    if (tables > kMaxTables)
      fail_at(name, at, "expected at most 4000 Huffman tables in a JPEG, got more");
    if (marker >= 0xc0 && marker <= 0xc2 && header.size.width == 0) {
      if (segment.size() < 6) fail_at(name, at, "the JPEG frame header is cut short");
      is_progressive = marker == 0xc2;
      header.size.height = be16(segment, 1);
      header.size.width = be16(segment, 3);
    }
    if (header.scans == 0) colours.read_segment(marker, segment);
    if (marker == kScan && header.scans == 0) {
      if (const auto transform = colours.correction(name, at - 2))
        header.adobe = {at - 2, *transform};
    }
    at += length;
    scans.read_segment(marker, segment);
    if (marker == kScan) {
      if (++header.scans > kMaxScans)
        fail_at(name, at, "too many scans: expected at most 1000 in a JPEG, got more");
      const std::size_t end = skip_entropy_coded(bytes, at);
      const std::string missing = scans.missing(segment, bytes.subspan(at, end - at));
      if (!missing.empty()) fail_at(name, end, missing + ": it is damaged; fetch it again");
      at = end;
    }
  }
  if (header.size.width == 0 || header.scans == 0)
    fail_at(name, bytes.size(),
            "expected a baseline or progressive picture in the JPEG, got its end");
  return header;
}

// The JPEG with that marker in it.
std::vector<std::byte> with_adobe_marker(PictureBytes bytes, const JpegHeader::AdobeMarker& adobe) {
  std::array<unsigned char, 16> marker{0xff, 0xee, 0, 14, 'A', 'd', 'o', 'b', 'e', 0, 100};
  marker.back() = static_cast<unsigned char>(adobe.transform);
  std::vector<std::byte> result(bytes.begin(),
                                bytes.begin() + static_cast<std::ptrdiff_t>(adobe.at));
  for (const unsigned char byte : marker) result.push_back(std::byte{byte});
  result.insert(result.end(), bytes.begin() + static_cast<std::ptrdiff_t>(adobe.at), bytes.end());
  return result;
}

}  // namespace

Tensor decode_jpeg(std::span<const std::byte> bytes, const std::string& name) {
  const JpegHeader header = check_jpeg(bytes, name);
  check_size(header.size, name);
  if (header.scans > most_scans(header.size)) throw Error(too_many_scans(header.size, name));
  std::vector<std::byte> mended;
  if (header.adobe) mended = with_adobe_marker(bytes, *header.adobe);
  if (!header.has_end) {
    if (mended.empty()) mended.assign(bytes.begin(), bytes.end());
    mended.insert(mended.end(), {std::byte{0xff}, std::byte{0xd9}});
  }
  if (!mended.empty()) bytes = mended;
  return stb_decode(bytes, header.size, name);
}

const char* jpeg_library() { return "stb_image"; }
JpegDecoder jpeg_decoder() { return JpegDecoder::stb_image; }

}  // namespace sidenet
