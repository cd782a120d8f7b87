#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include "../internal/image_files.h"
#include "image_decode.h"
#include "refused_files.h"
#include "sidenet/image.h"

using namespace sidenet;
using namespace files;

namespace {

void check_image_refused(const Bytes& bytes, const std::string& part) {
  check_message(error_of([&] { decode_image(view(bytes), 3, "x.img"); }), "x.img: ", part);
}

/// Whether the build reads a format by that library.
bool has(const char* decoder) { return picture_decoders().find(decoder) != std::string::npos; }

Bytes png_header(std::uint32_t width, std::uint32_t height, char depth = 8) {
  return png(width, height, depth, 0, Bytes(8, '\0'));
}

/// A JPEG with `segment` put right after its start marker.
Bytes jpeg_with(const Bytes& segment) { return read(golden_image("photo.jpg")).insert(2, segment); }

Bytes huffman_segment(const std::vector<int>& counts, int symbols) {
  Bytes lengths(16, '\0');
  for (std::size_t i = 0; i < counts.size(); ++i) lengths[i] = static_cast<char>(counts[i]);
  const Bytes body = Bytes(1, '\x10') + lengths + Bytes(static_cast<std::size_t>(symbols), '\x01');
  return "\xff\xc4" + be32(static_cast<std::uint32_t>(body.size() + 2)).substr(2) + body;
}

Bytes pixels(const Tensor& image) {
  return {reinterpret_cast<const char*>(image.raw()), image.bytes()};
}

}  // namespace

TEST_CASE("images cut short anywhere") {
  for (const std::string name :
       {"rgb.png", "palette.png", "bmp24.bmp", "bmp8.bmp", "photo.jpg", "progressive.jpg",
        "progressive_422.jpg", "cmyk.jpg", "lossy.webp", "lossless.webp", "alpha.webp"}) {
    CAPTURE(name);
    Bytes whole = read(golden_image(name));
    // Without its end marker alone a sequential JPEG is read.
    if (name == "photo.jpg" || name == "cmyk.jpg") whole.resize(whole.size() - 2);
    check_prefixes_refused(whole, 1, [](const Bytes& bytes) { decode_image(view(bytes), 3, "x"); });
  }
}

TEST_CASE("PNG with any bit of its chunks flipped") {
  const Bytes good = read(golden_image("palette.png"));
  for (std::size_t at = 8; at < good.size(); ++at) {
    Bytes bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1 << at % 8);
    CAPTURE(at);
    ++testing::tried_files;
    CHECK(is_one_line(error_of([&] { decode_image(view(bad), 3, "x"); })));
  }
}

TEST_CASE("image bombs: nothing is decoded") {
  check_image_refused(png_header(30000, 30000),
                      "expected at most 67108864 pixels in all, got 30000 x 30000");
  check_image_refused(png_header(40000, 1), "expected sides of at most 32768 pixels");
  check_image_refused(png_header(0x7fffffff, 0x7fffffff), "expected sides");
  check_image_refused(png_header(0, 5), "no pixels");
  check_image_refused(png_header(8000, 8000), "more than the 561408 that its 68 bytes may hold");
  check_image_refused(png_header(800, 200), "does not decode");  // fewer rows than promised
  // Far more rows than promised: 40 MB behind a header of 8 x 8. libpng inflates none of them.
  const Bytes bomb = png(8, 8, 8, 0, Bytes(std::size_t{40} << 20, '\0'));
  if (has("PNG by libpng")) {
    ++testing::tried_files;
    CHECK(error_of([&] { decode_image(view(bomb), 3, "x.png"); }) == "");
  } else {
    check_image_refused(bomb, "does not decode");
  }
}

TEST_CASE("JPEG: Huffman tables that overflow the decoder's, and endless scans") {
  const bool has_libjpeg = jpeg_decoder() == JpegDecoder::libjpeg_turbo;
  const auto refused = [&](const Bytes& segment, const char* why) {
    check_image_refused(jpeg_with(segment), has_libjpeg ? "does not decode" : why);
  };
  refused(huffman_segment(std::vector<int>(16, 255), 4080), "more codes than fit their lengths");
  refused(huffman_segment({0, 0, 0, 0, 0, 0, 0, 0, 0, 100, 100, 100}, 300), "has 300 symbols");
  refused(huffman_segment({0, 2}, 1), "cut short");
  if (!has_libjpeg) {  // which takes these, as Pillow does
    refused(huffman_segment({0, 0, 0, 0, 0, 0, 0, 0, 255, 1}, 256), "has 256 symbols");
    refused(Bytes("\xff\xe0\x00\x01", 4), "shorter than its own length field");
  }
  refused("\xff\xd8", "unexpected JPEG marker");

  Bytes large = read(golden_image("progressive.jpg"));
  const auto frame = large.find("\xff\xc2");
  REQUIRE(frame != Bytes::npos);
  large.replace(frame + 5, 4, Bytes("\x03\xe8\x03\xe8", 4));  // 1000 x 1000
  const auto end = large.rfind("\xff\xd9");
  for (int i = 0; i < 2000; ++i)
    large.insert(end, Bytes("\xff\xda\x00\x08\x01\x01\x00\x00\x00\x00", 10));
  check_image_refused(large, "too many scans");
}

TEST_CASE("JPEG: a scan without all of its blocks, although the file has its end") {
  for (const char* name : {"photo.jpg", "photo_grey.jpg", "cmyk.jpg", "restart.jpg"}) {
    const Bytes good = read(golden_image(name));
    const std::size_t data = good.rfind("\xff\xda") + 14, end = good.size() - 2;
    CAPTURE(name);
    for (std::size_t at = data; at + 1 < end; ++at) {
      CAPTURE(at);
      check_image_refused(good.substr(0, at) + "\xff\xd9", "damaged");
    }
  }
  Bytes restarts = read(golden_image("restart.jpg"));
  const std::size_t second = restarts.find("\xff\xd1");
  REQUIRE(second != Bytes::npos);
  check_image_refused(Bytes(restarts).erase(second, 2), "a restart marker");
  check_image_refused(Bytes(restarts).insert(second, "abcdef"), "a restart marker");
}

TEST_CASE("JPEG: other kinds are named") {
  for (const char kind : {'\xc3', '\xc5', '\xc9', '\xcf'}) {
    Bytes jpeg = read(golden_image("photo.jpg"));
    jpeg[jpeg.find("\xff\xc0") + 1] = kind;
    check_image_refused(jpeg, "got a lossless, hierarchical or arithmetic-coded one");
  }
}

TEST_CASE("JPEG: thousands of Huffman tables") {
  const Bytes table = huffman_segment({0, 2}, 2);
  Bytes tables;
  for (int i = 0; i < 4100; ++i) tables += table;
  if (jpeg_decoder() == JpegDecoder::libjpeg_turbo) {  // it makes the last ones only
    ++testing::tried_files;
    CHECK(error_of([&] { decode_image(view(jpeg_with(tables)), 3, "x.jpg"); }) == "");
  } else {
    check_image_refused(jpeg_with(tables), "expected at most 4000 Huffman tables");
  }
}

TEST_CASE("PNG: compressed text and profiles are not unpacked") {
  Bytes picture = plain_png(2, 2, "\x01");
  const Bytes bomb = zlib(Bytes(std::size_t{20} << 20, '\0'));
  picture.insert(33, png_chunk("zTXt", Bytes("a\0\0", 3) + bomb) +
                         png_chunk("iCCP", Bytes("a\0\0", 3) + bomb));
  ++testing::tried_files;
  CHECK(error_of([&] { decode_image(view(picture), 3, "x.png"); }) == "");
}

TEST_CASE("PNG: flat pictures above 16 megapixels need a byte for 64 pixels") {
  Bytes rows;
  for (int y = 0; y < 5000; ++y) rows += Bytes(626, '\0');
  check_image_refused(png(5000, 5000, 1, 0, rows), "more than the");
}

TEST_CASE("JPEG, WebP and BMP damage never gets past an Error") {
  for (const char* name :
       {"photo.jpg", "progressive.jpg", "progressive_422.jpg", "cmyk.jpg", "restart.jpg",
        "lossy.webp", "lossless.webp", "alpha.webp", "bmp8.bmp"}) {
    const Bytes good = read(golden_image(name));
    for (std::size_t at = 0; at < good.size(); ++at) {
      for (const int flip : {0x01, 0x80, 0xff}) {
        Bytes bad = good;
        bad[at] = static_cast<char>(bad[at] ^ flip);
        ++testing::tried_files;
        const auto message = error_of([&] { decode_image(view(bad), 3, "x.img"); });
        CHECK(message.find('\n') == Bytes::npos);
      }
    }
  }
}

TEST_CASE("BMP: sizes that its bytes do not hold") {
  Bytes bmp = read(golden_image("bmp24.bmp"));
  bmp.replace(18, 4, Bytes("\xff\x00\x00\x00", 4));
  check_image_refused(bmp, "truncated: a BMP of 255 x");
  bmp.replace(22, 4, Bytes("\x00\x00\x00\x80", 4));  // the most negative height
  check_image_refused(bmp, "2147483648 rows");
  bmp.replace(28, 2, Bytes("\xff\xff", 2));
  check_image_refused(bmp, "at most 32 bits");
}

TEST_CASE("BMP: run lengths, and OS/2's palettes") {
  Bytes bmp = read(golden_image("bmp8.bmp"));
  bmp[30] = 1;
  check_image_refused(bmp, "got run lengths (RLE): convert it to PNG");
  Bytes old("BM\0\0\0\0\0\0\0\0\x20\0\0\0\x0c\0\0\0\2\0\2\0\1\0\1\0", 26);
  check_image_refused(old + Bytes(14, '\0'), "one of OS/2 with a palette");
}

TEST_CASE("PNG: grey of 16 bits, and Apple's own variant") {
  check_image_refused(png(2, 1, 16, 0, Bytes("\0\x12\x34\x56\x78", 5)),
                      "expected at most 8 bits of grey in a PNG, got 16");
  Bytes apple = plain_png(2, 2, "\x01\x02\x03");
  apple.insert(33, png_chunk("CgBI", Bytes(4, '\0')));
  check_image_refused(apple, "Apple's own variant");
}

TEST_CASE("JPEG: colours that markers tell otherwise than the components' names") {
  Bytes jpeg = read(golden_image("photo.jpg"));
  const auto frame = jpeg.find("\xff\xc0");
  REQUIRE(frame != Bytes::npos);
  for (const auto& [at, name] : {std::pair(10, 'R'), {13, 'G'}, {16, 'B'}}) jpeg[frame + at] = name;
  for (const auto& [at, name] : {std::pair(5, 'R'), {7, 'G'}, {9, 'B'}})
    jpeg[jpeg.find("\xff\xda") + static_cast<std::size_t>(at)] = name;
  if (jpeg_decoder() == JpegDecoder::libjpeg_turbo) {  // which believes the marker, as in Pillow
    const Bytes plain = read(golden_image("photo.jpg"));
    ++testing::tried_files;
    CHECK(pixels(decode_image(view(jpeg), 3, "x")) == pixels(decode_image(view(plain), 3, "x")));
  } else {
    check_image_refused(jpeg, "components named R, G and B behind a marker that says YCbCr");
  }
}

TEST_CASE("files that are no images") {
  check_image_refused("", "an empty file");
  check_image_refused("GIF89a etc", "got a GIF picture: convert it to PNG");
  check_image_refused(Bytes("RIFF\x10\0\0\0WEBPVP8 ", 16), "WebP picture");
  check_image_refused(Bytes("\0\0\0\x1c"
                            "ftypheic",
                            12),
                      "got a HEIC picture");
  check_image_refused("<!DOCTYPE html>", "text with tags");
  check_image_refused("version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS");
  check_image_refused(Bytes(1000, '\0'), "starts as none of them");
  const Folder folder;
  check_message(error_of([&] { read_image(folder.path + "/gone.png", 3); }),
                folder.path + "/gone.png", "No such file");
  check_message(error_of([&] { read_image(folder.path, 3); }), folder.path, "found a folder");
}
