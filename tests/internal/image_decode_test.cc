#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "image_decode.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "image_files.h"
#include "sidenet/image.h"

using namespace sidenet;
using namespace files;

namespace {

/// Largest difference between two images' bytes.
int difference(const Tensor& image, const Bytes& golden_idx) {
  const Bytes expected = golden_idx.substr(16);  // (H, W, C)
  REQUIRE(image.bytes() == expected.size());
  REQUIRE(be32(static_cast<std::uint32_t>(image.dim(0))) == golden_idx.substr(4, 4));
  REQUIRE(be32(static_cast<std::uint32_t>(image.dim(1))) == golden_idx.substr(8, 4));
  int largest = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<int>(image.data<std::uint8_t>()[i]) -
                                         static_cast<unsigned char>(expected[i])));
  }
  return largest;
}

Bytes pixels(const Tensor& image) {
  return {reinterpret_cast<const char*>(image.raw()), image.bytes()};
}

}  // namespace

TEST_CASE("lossless files decode as Pillow's convert does it, to the byte") {
  for (const char* file : {"rgb.png", "grey.png", "tall.png", "rgba.png", "grey_alpha.png",
                           "palette.png", "bilevel.png", "photo.png", "palette_trns.png",
                           "grey_trns.png", "bmp24.bmp", "bmp8.bmp", "bmp8_grey.bmp"}) {
    CAPTURE(file);
    const std::string stem = std::filesystem::path(file).stem().string();
    CHECK(difference(read_image(golden_image(file), 3), read(golden_image(stem + ".rgb.idx"))) ==
          0);
    CHECK(difference(read_image(golden_image(file), 1), read(golden_image(stem + ".l.idx"))) == 0);
  }
}

TEST_CASE("JPEG decodes within a grey level of Pillow; stb_image within some") {
  const bool has_libjpeg = jpeg_decoder() == JpegDecoder::libjpeg_turbo;
  for (const std::string stem : {"photo", "progressive", "photo_grey", "restart", "photo_422",
                                 "photo_444", "progressive_422", "rgb_components"}) {
    CAPTURE(stem);
    const bool is_half_width = stem.ends_with("_422");
    const Tensor image = read_image(golden_image(stem + ".jpg"), 3);
    const int largest = difference(image, read(golden_image(stem + "_jpg.rgb.idx")));
    MESSAGE(stem << ": largest difference " << largest);
    CHECK(largest <= (has_libjpeg ? 1 : is_half_width ? 24 : 6));
  }
}

TEST_CASE("WebP decodes as Pillow has it, or is refused where the build has no libwebp") {
  const bool has_webp = picture_decoders().find("WebP by libwebp") != std::string::npos;
  for (const std::string stem : {"lossy", "lossless", "alpha"}) {
    CAPTURE(stem);
    const std::string path = golden_image(stem + ".webp");
    if (has_webp) {
      CHECK(difference(read_image(path, 3), read(golden_image(stem + "_webp.rgb.idx"))) == 0);
    } else {
      CHECK(error_of([&] { read_image(path, 3); }).find("no libwebp: convert it to PNG") !=
            std::string::npos);
    }
  }
}

TEST_CASE("a JPEG that lacks its end marker alone is read") {
  for (const char* name : {"photo.jpg", "photo_grey.jpg", "cmyk.jpg", "restart.jpg"}) {
    CAPTURE(name);
    const Bytes whole = read(golden_image(name));
    const Tensor expected = decode_image(view(whole), 3, name);
    for (const std::size_t cut : {1, 2}) {
      const Bytes bare = whole.substr(0, whole.size() - cut);
      CHECK(pixels(decode_image(view(bare), 3, name)) == pixels(expected));
    }
  }
}

TEST_CASE("EXIF's orientation is read, and applied as Pillow's exif_transpose does") {
  Preprocessing applied;
  applied.exif_orientation = true;
  for (int orientation = 1; orientation <= 8; ++orientation) {
    CAPTURE(orientation);
    const std::string stem = "oriented_" + std::to_string(orientation);
    const Bytes file = read(golden_image(stem + ".png"));
    CHECK(picture_facts(view(file)).format == PictureFormat::png);
    CHECK(picture_facts(view(file)).orientation == orientation);
    PictureFacts facts;
    const Tensor shown = read_image(golden_image(stem + ".png"), applied, &facts);
    CHECK(facts.orientation == orientation);
    CHECK(difference(shown, read(golden_image(stem + ".shown.idx"))) == 0);
    const Tensor stored = read_image(golden_image(stem + ".png"), Preprocessing());
    CHECK(difference(stored, read(golden_image("oriented_1.shown.idx"))) == 0);
  }
  for (const char* name :
       {"oriented_6.jpg", "oriented_6.webp", "oriented_xmp.jpg", "oriented_xmp.webp"}) {
    CAPTURE(name);
    CHECK(picture_facts(view(read(golden_image(name)))).orientation == 6);
  }
  CHECK(picture_facts(view(read(golden_image("photo.jpg")))).orientation == 1);
  CHECK(picture_facts({}).format == PictureFormat::other);
  CHECK(error_of([] {
          oriented_image(Tensor(DType::u8, {1, 1, 3}), 9);
        }) == "orientation: expected 1 to 8, got 9");
}

TEST_CASE("an orientation that is damaged or cut off is none") {
  const Bytes file = read(golden_image("oriented_6.jpg"));
  const std::size_t exif = file.find("Exif");
  REQUIRE(exif != Bytes::npos);
  for (std::size_t at = exif; at < exif + 40 && at < file.size(); ++at) {
    for (const char byte : {'\0', '\x7f', '\xff'}) {
      Bytes bad = file;
      bad[at] = byte;
      const int orientation = picture_facts(view(bad)).orientation;
      CHECK(orientation >= 1);
      CHECK(orientation <= 8);
    }
  }
  for (std::size_t size = 0; size < file.size(); ++size)
    CHECK(picture_facts(view(file.substr(0, size))).orientation <= 6);
}

TEST_CASE("JPEG of CMYK: Adobe's inverted inks, whatever the marker says or where there is none") {
  const Bytes adobe = read(golden_image("cmyk.jpg"));
  const auto decode = [](const Bytes& bytes) { return decode_image(view(bytes), 3, "cmyk.jpg"); };
  const Bytes expected = pixels(decode(adobe));
  CHECK(difference(decode(adobe), read(golden_image("cmyk_jpg.rgb.idx"))) <= 2);
  const auto marker = adobe.find("\xff\xee");
  REQUIRE(adobe.substr(marker + 4, 5) == "Adobe");
  Bytes bare = adobe;
  CHECK(pixels(decode(bare.erase(marker, 16))) == expected);
  // libjpeg takes any transform but 0 for YCCK.
  const auto with_transform = [&](char transform) {
    Bytes bytes = adobe;
    bytes[marker + 15] = transform;
    return pixels(decode(bytes));
  };
  CHECK(with_transform(0) == expected);
  CHECK(with_transform(1) == with_transform(2));
  CHECK(with_transform(2) != expected);
}

TEST_CASE("PNG: what lies beyond the palette is black, as Pillow has it") {
  Bytes file = png(4, 1, 8, 3, Bytes("\0\0\1\2\xff", 5));
  file.insert(33, png_chunk("PLTE", "abcdef"));
  CHECK(pixels(decode_image(view(file), 3, "x.png")) == Bytes("abcdef\0\0\0\0\0\0", 12));
}

TEST_CASE("BMP: rows from the top down") {
  Bytes file = read(golden_image("bmp24.bmp"));
  const Tensor up = decode_image(view(file), 3, "x.bmp");
  const auto height = static_cast<std::int32_t>(-up.dim(0));
  for (int byte = 0; byte < 4; ++byte)
    file[22 + static_cast<std::size_t>(byte)] = static_cast<char>(height >> 8 * byte & 255);
  const Tensor down = decode_image(view(file), 3, "x.bmp");
  REQUIRE(down.shape() == up.shape());
  const std::size_t line = up.bytes() / static_cast<std::size_t>(up.dim(0));
  for (std::size_t y = 0; y * line < up.bytes(); ++y)
    CHECK(pixels(up).substr(y * line, line) ==
          pixels(down).substr(up.bytes() - (y + 1) * line, line));
}

TEST_CASE("without a wish, grey pictures have one channel and others three") {
  const auto decode = [](const char* file) {
    return decode_image(view(read(golden_image(file))), 0, file).dim(2);
  };
  CHECK(decode("grey.png") == 1);
  CHECK(decode("grey_alpha.png") == 1);
  CHECK(decode("bilevel.png") == 1);
  CHECK(decode("rgb.png") == 3);
  CHECK(decode("rgba.png") == 3);
  CHECK(decode("palette.png") == 3);
  CHECK(decode("photo_grey.jpg") == 1);
}

TEST_CASE("16-bit samples keep their high byte, interlaced rows find their place") {
  const Bytes deep("\0\x12\x34\x56\x78\x9a\xbc\xff\x00\x00\xff\x80\x7f", 13);
  const Tensor image = decode_image(view(png(2, 1, 16, 2, deep)), 3, "deep.png");
  CHECK(pixels(image) == Bytes("\x12\x56\x9a\xff\x00\x80", 6));
  // Adam7 on 2 x 2 pixels: pass 1 has (0, 0), pass 6 (1, 0), pass 7 the row below; each row has its
  // filter byte.
  const Tensor woven =
      decode_image(view(png(2, 2, 8, 0, Bytes("\0\x01\0\x02\0\x03\x04", 7), true)), 1, "woven.png");
  CHECK(pixels(woven) == "\x01\x02\x03\x04");
}

TEST_CASE("grey is ITU-R 601 in fixed point") {
  for (const auto& [colour, grey] :
       {std::pair<Bytes, int>{"\xff\x01\x01", 77}, {"\x01\xff\x01", 150}, {"\x01\x01\xff", 30}}) {
    const Tensor image = decode_image(view(plain_png(1, 1, colour)), 1, "one.png");
    CHECK(static_cast<int>(image.data<std::uint8_t>()[0]) == grey);
  }
}

TEST_CASE("channels other than 1 and 3 are refused") {
  const auto message = error_of([] { read_image(golden_image("rgb.png"), 4); });
  CHECK(message.find("rgb.png: channels: expected 1 or 3, got 4") != std::string::npos);
}
