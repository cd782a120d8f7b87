#include "image_containers.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "jpeg_scan.h"
#include "picture_kinds.h"
#include "sidenet/error.h"

namespace sidenet {
namespace {

using Bytes = std::span<const std::byte>;

std::uint32_t u8(Bytes bytes, std::size_t at) { return std::to_integer<std::uint32_t>(bytes[at]); }
std::uint32_t be16(Bytes bytes, std::size_t at) { return u8(bytes, at) << 8 | u8(bytes, at + 1); }
std::uint32_t be32(Bytes bytes, std::size_t at) {
  return be16(bytes, at) << 16 | be16(bytes, at + 2);
}
std::uint32_t le16(Bytes bytes, std::size_t at) { return u8(bytes, at) | u8(bytes, at + 1) << 8; }
std::uint32_t le32(Bytes bytes, std::size_t at) {
  return le16(bytes, at) | le16(bytes, at + 2) << 16;
}

[[noreturn]] void fail(const std::string& name, std::size_t at, const std::string& problem) {
  throw Error(name + ": byte " + std::to_string(at) + ": " + problem);
}

void require(Bytes bytes, std::size_t at, std::size_t count, const char* what,
             const std::string& name) {
  if (at > bytes.size() || count > bytes.size() - at) {
    fail(name, std::min(at, bytes.size()),
         std::string("truncated: ") + what + " takes " + std::to_string(count) +
             " bytes, the file ends at " + std::to_string(bytes.size()));
  }
}

// The CRC of PNG (annex D of its specification), polynomial 0xedb88320 reflected.
std::uint32_t crc32(Bytes bytes) {
  static const auto table = [] {
    std::array<std::uint32_t, 256> entries{};
    for (std::uint32_t n = 0; n < 256; ++n) {
      std::uint32_t c = n;
      for (int bit = 0; bit < 8; ++bit) c = (c & 1) ? 0xedb88320u ^ (c >> 1) : c >> 1;
      entries[n] = c;
    }
    return entries;
  }();
  std::uint32_t crc = 0xffffffffu;
  for (const std::byte byte : bytes)
    crc = table[(crc ^ std::to_integer<std::uint32_t>(byte)) & 255] ^ (crc >> 8);
  return ~crc;
}

constexpr std::array<unsigned char, 8> kPngSignature{0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

ImageHeader check_png(Bytes bytes, const std::string& name) {
  ImageHeader header{ImageFormat::png};
  std::size_t at = kPngSignature.size();
  for (bool first = true;; first = false) {
    require(bytes, at, 12, "a PNG chunk", name);
    const std::size_t length = be32(bytes, at);
    const std::string type(reinterpret_cast<const char*>(bytes.data() + at + 4), 4);
    require(bytes, at + 8, length + 4, "a PNG chunk's data", name);
    if (first && (type != "IHDR" || length != 13))
      fail(name, at, "expected the PNG chunk IHDR of 13 bytes, got another chunk");
    const std::uint32_t stored = be32(bytes, at + 8 + length),
                        computed = crc32(bytes.subspan(at + 4, length + 4));
    if (stored != computed)
      fail(name, at,
           "the PNG chunk's checksum does not match its data: expected " + std::to_string(stored) +
               ", got " + std::to_string(computed));
    if (first) {
      header.width = be32(bytes, at + 8);
      header.height = be32(bytes, at + 12);
      const std::uint32_t depth = u8(bytes, at + 16), colour = u8(bytes, at + 17);
      if (depth == 16 && colour == 0) {
        fail(name, at + 16,
             "expected at most 8 bits of grey in a PNG, got 16: Pillow makes all above 255 white; "
             "convert it to 8 bits");
      }
    }
    if (type == "CgBI")
      fail(name, at, "expected a standard PNG, got Apple's own variant (CgBI): convert it to PNG");
    if (type == "IEND") return header;
    at += 12 + length;
  }
}

// stb_image 2.27 writes past its 256-entry tables where a segment holds more symbols, and takes
// symbol 255 of a short code for its "not found" mark. 8-bit samples never need more than 176
// symbols (ITU-T T.81, annex F and G). Returns how many tables there are.
std::uint32_t check_huffman_tables(Bytes segment, std::size_t at, const std::string& name) {
  std::uint32_t tables = 0;
  while (!segment.empty()) {
    if (segment.size() < 17) fail(name, at, "a JPEG Huffman table is cut short");
    std::uint32_t symbols = 0, codes = 0;
    for (std::size_t length = 1; length <= 16; ++length) {
      symbols += u8(segment, length);
      codes = 2 * codes +
              u8(segment, length);  // codes of this length or shorter, in units of 2^-length
      if (codes > (1u << length))
        fail(name, at, "a JPEG Huffman table has more codes than fit their lengths");
    }
    if (symbols > 255)
      fail(name, at,
           "expected at most 255 symbols, but a JPEG Huffman table has " + std::to_string(symbols) +
               " symbols");
    if (segment.size() < 17 + symbols) fail(name, at, "a JPEG Huffman table is cut short");
    segment = segment.subspan(17 + symbols);
    at += 17 + symbols;
    ++tables;
  }
  return tables;
}

// Where the entropy-coded data that starts at `at` ends: a marker that is neither a stuffed zero
// nor a restart.
std::size_t skip_entropy_coded(Bytes bytes, std::size_t at) {
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

  void read_segment(std::uint32_t marker, Bytes segment) {
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
      fail(name, at,
           "expected one kind of colours in a JPEG, got components named R, G and B "
           "behind a marker that says YCbCr");
    if (is_rgb && !are_named_rgb && stb_transform != 0u) return 0;
    return std::nullopt;
  }
};

ImageHeader check_jpeg(Bytes bytes, const std::string& name) {
  constexpr std::uint32_t kHuffman = 0xc4, kEnd = 0xd9, kScan = 0xda;
  // The decoder builds every table at once and goes through all blocks a scan. Encoders make 10
  // scans, with up to 4 tables each; a scan for every bit of every coefficient would be some 600.
  constexpr std::uint32_t kMaxScans = 1000, kMaxTables = 4000;
  ImageHeader header{ImageFormat::jpeg};
  header.scans = 0;
  std::uint32_t tables = 0;
  JpegColours colours;
  JpegScans scans;
  for (std::size_t at = 2;;) {
    while (at < bytes.size() && u8(bytes, at) != 0xff) ++at;  // padding between segments
    while (at < bytes.size() && u8(bytes, at) == 0xff) ++at;
    if (at >= bytes.size()) fail(name, bytes.size(), "truncated: the JPEG has no end marker");
    const std::uint32_t marker = u8(bytes, at++);
    if (marker == kEnd) break;
    if (marker < 0xc0 || (marker >= 0xd0 && marker <= 0xd8))
      fail(name, at - 1,
           "expected a JPEG segment, got the unexpected JPEG marker " + std::to_string(marker));
    const bool is_frame = marker >= 0xc0 && marker <= 0xcf && marker != kHuffman &&
                          marker != 0xc8 &&
                          marker != 0xcc;  // reserved; tables of arithmetic coding
    if (is_frame && marker > 0xc2)
      fail(name, at - 1,
           "expected a baseline or progressive JPEG, got a lossless, hierarchical or "
           "arithmetic-coded one: convert it to PNG");
    require(bytes, at, 2, "a JPEG segment", name);
    const std::size_t length = be16(bytes, at);
    if (length < 2)
      fail(name, at,
           "expected a length of 2 or more: a JPEG segment is shorter than its own length field");
    require(bytes, at, length, "a JPEG segment", name);
    const Bytes segment = bytes.subspan(at + 2, length - 2);
    if (marker == kHuffman) tables += check_huffman_tables(segment, at + 2, name);
    if (tables > kMaxTables)
      fail(name, at, "expected at most 4000 Huffman tables in a JPEG, got more");
    if (marker >= 0xc0 && marker <= 0xc2 && header.width == 0) {
      if (segment.size() < 6) fail(name, at, "the JPEG frame header is cut short");
      header.height = be16(segment, 1);
      header.width = be16(segment, 3);
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
        fail(name, at, "too many scans: expected at most 1000 in a JPEG, got more");
      const std::size_t end = skip_entropy_coded(bytes, at);
      const std::string missing = scans.missing(segment, bytes.subspan(at, end - at));
      if (!missing.empty()) fail(name, end, missing + ": it is damaged; fetch it again");
      at = end;
    }
  }
  if (header.width == 0 || header.scans == 0)
    fail(name, bytes.size(), "expected a baseline or progressive picture in the JPEG, got its end");
  return header;
}

ImageHeader check_bmp(Bytes bytes, const std::string& name) {
  require(bytes, 0, 30, "a BMP header", name);
  const bool os2 = le32(bytes, 14) == 12;
  const auto height = static_cast<std::int32_t>(os2 ? le16(bytes, 20) : le32(bytes, 22));
  ImageHeader header{ImageFormat::bmp};
  header.width = os2 ? le16(bytes, 18) : le32(bytes, 18);
  header.height =
      height < 0 ? 0u - static_cast<std::uint32_t>(height) : static_cast<std::uint32_t>(height);
  const std::uint64_t bits = le16(bytes, os2 ? 24 : 28);
  if (bits > 32)
    fail(name, os2 ? 24 : 28, "BMP: expected at most 32 bits a pixel, got " + std::to_string(bits));
  // stb_image 2.27 shifts their palettes by two bytes.
  if (os2 && bits < 24)
    fail(name, 14, "expected a Windows BMP, got one of OS/2 with a palette: convert it to PNG");
  if (!os2 && bytes.size() >= 34 && (le32(bytes, 30) == 1 || le32(bytes, 30) == 2))
    fail(name, 30, "expected a BMP without compression, got run lengths (RLE): convert it to PNG");
  // Rows are padded to 4 bytes; both factors fit 36 bits, so the product is compared by division.
  const std::uint64_t row = (header.width * bits + 31) / 32 * 4, offset = le32(bytes, 10);
  if (offset > bytes.size() || (row > 0 && header.height > (bytes.size() - offset) / row)) {
    fail(name, bytes.size(),
         "truncated: a BMP of " + std::to_string(header.width) + " x " +
             std::to_string(header.height) + " pixels needs " + std::to_string(header.height) +
             " rows of " + std::to_string(row) + " bytes from byte " + std::to_string(offset));
  }
  return header;
}

}  // namespace

ImageHeader check_image(Bytes bytes, const std::string& name) {
  if (bytes.empty())
    throw Error(name + ": expected an image (PNG, JPEG or BMP), got an empty file");
  if (bytes.size() >= kPngSignature.size() &&
      std::memcmp(bytes.data(), kPngSignature.data(), kPngSignature.size()) == 0) {
    return check_png(bytes, name);
  }
  if (bytes.size() >= 3 && be16(bytes, 0) == 0xffd8 && u8(bytes, 2) == 0xff)
    return check_jpeg(bytes, name);
  if (bytes.size() >= 2 && u8(bytes, 0) == 'B' && u8(bytes, 1) == 'M')
    return check_bmp(bytes, name);
  throw Error(name + ": expected an image (PNG, JPEG or BMP), got " + picture_kind(bytes) + " (" +
              std::to_string(bytes.size()) + " bytes)");
}

}  // namespace sidenet
