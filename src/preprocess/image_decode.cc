#include "image_decode.h"

#include <string_view>

#include "exif_orientation.h"
#include "image_channels.h"
#include "mapped_file.h"
#include "picture_decoders.h"
#include "picture_kinds.h"
#include "sidenet/error.h"

namespace sidenet {
namespace {

using namespace std::string_view_literals;

PictureFormat format_of(PictureBytes bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.starts_with("\x89PNG\r\n\x1a\n"sv)) return PictureFormat::png;
  if (text.starts_with("\xff\xd8\xff"sv)) return PictureFormat::jpeg;
  if (text.starts_with("BM"sv)) return PictureFormat::bmp;
  if (text.starts_with("RIFF"sv) && text.size() >= 12 && text.substr(8, 4) == "WEBP"sv)
    return PictureFormat::webp;
  return PictureFormat::other;
}

Tensor decode(PictureBytes bytes, const std::string& name) {
  switch (format_of(bytes)) {
    case PictureFormat::png: return decode_png(bytes, name);
    case PictureFormat::jpeg: return decode_jpeg(bytes, name);
    case PictureFormat::bmp: return decode_bmp(bytes, name);
    case PictureFormat::webp: return decode_webp(bytes, name);
    case PictureFormat::other: break;
  }
  const std::string expected = name + ": expected an image (" + picture_formats() + "), got ";
  if (bytes.empty()) throw Error(expected + "an empty file");
  throw Error(expected + picture_kind(bytes) + " (" + std::to_string(bytes.size()) + " bytes)");
}

void check_channels(int channels, const std::string& name) {
  if (channels != 1 && channels != 3)
    throw Error(name + ": channels: expected 1 or 3, got " + std::to_string(channels));
}

}  // namespace

const char* picture_formats() {
  return webp_library() != nullptr ? "PNG, JPEG, WebP or BMP" : "PNG, JPEG or BMP";
}

PictureFacts picture_facts(PictureBytes bytes) {
  const PictureFormat format = format_of(bytes);
  return {format, exif_orientation(format, bytes)};
}

Tensor decode_image(PictureBytes bytes, int channels, const std::string& name) {
  if (channels != 0) check_channels(channels, name);
  Tensor picture = decode(bytes, name);
  const auto has = static_cast<int>(picture.dim(2));
  const int wanted = channels != 0 ? channels : has <= 2 ? 1 : 3;
  if (has == wanted) return picture;
  Tensor image(DType::u8, {picture.dim(0), picture.dim(1), wanted});
  convert_channels(picture.data<std::uint8_t>(), has, image.mutable_data<std::uint8_t>(), wanted,
                   static_cast<std::size_t>(picture.dim(0) * picture.dim(1)));
  return image;
}

Tensor read_image(const std::string& path, int channels) {
  check_channels(channels, path);
  return decode_image(MappedFile::open(path)->bytes(), channels, path);
}

Tensor read_image(const std::string& path, const Preprocessing& preprocessing,
                  PictureFacts* facts) {
  check_channels(preprocessing.channels, path);
  const auto file = MappedFile::open(path);
  const PictureFacts found = picture_facts(file->bytes());
  if (facts != nullptr) *facts = found;
  const Tensor image = decode_image(file->bytes(), preprocessing.channels, path);
  return preprocessing.exif_orientation ? oriented_image(image, found.orientation) : image;
}

std::string picture_decoders() {
  std::string text = std::string("JPEG by ") + jpeg_library() + ", PNG by " + png_library();
  text += webp_library() != nullptr ? std::string(", WebP by ") + webp_library() : ", no WebP";
  return text + ", BMP by stb_image";
}

}  // namespace sidenet
