#pragma once

// Library: libsidenet (pkg-config sidenet, CMake sidenet::sidenet).

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "sidenet/enum_names.h"
#include "sidenet/export.h"
#include "sidenet/tensor.h"

namespace sidenet {

/// Which colour the network's first channel is: blue where pictures were read by OpenCV.
enum class ChannelOrder { rgb, bgr };
template <>
inline constexpr EnumName<ChannelOrder> kEnumNames<ChannelOrder>[] = {{ChannelOrder::rgb, "rgb"},
                                                                      {ChannelOrder::bgr, "bgr"}};

/// Pillow's filters of Image.resize: antialiased, but for nearest.
enum class Interpolation { bilinear, bicubic, lanczos, hamming, box, nearest };
template <>
inline constexpr EnumName<Interpolation> kEnumNames<Interpolation>[] = {
    {Interpolation::bilinear, "bilinear"}, {Interpolation::bicubic, "bicubic"},
    {Interpolation::lanczos, "lanczos"},   {Interpolation::hamming, "hamming"},
    {Interpolation::box, "box"},           {Interpolation::nearest, "nearest"}};

/// What is resized before the centre is cut out, by timm's names.
enum class CropMode {
  center,  ///< the shorter side; the sides keep their ratio
  squash   ///< both sides
};
template <>
inline constexpr EnumName<CropMode> kEnumNames<CropMode>[] = {{CropMode::center, "center"},
                                                              {CropMode::squash, "squash"}};

/// Where the crop lies when it leaves out an odd number of pixels.
enum class CropRounding {
  even,  ///< at the even one of the two places (torchvision)
  down   ///< at the first (transformers)
};
template <>
inline constexpr EnumName<CropRounding> kEnumNames<CropRounding>[] = {{CropRounding::even, "even"},
                                                                      {CropRounding::down, "down"}};

/// How an image file becomes an input: resize to `resize` as Pillow does it, cut out the centre
/// `crop` x `crop`, scale bytes to 0 … 1, then (x - mean[c]) / std[c]. 0 leaves a step out. With
/// `crop` 0 the image is resized to exactly `resize` x `resize`. `size` is what the network
/// receives.
struct Preprocessing {
  /// Of resize and crop: a network that is given a picture of this size already takes gigabytes.
  static constexpr int kMaxPixels = 4096;
  std::vector<float> mean = {};  ///< one a channel, in the network's order; empty: none
  std::vector<float> std = {};   ///< one a channel, in the network's order; empty: none
  int resize = 0;                ///< pixels
  int crop = 0;                  ///< pixels
  int channels = 3;              ///< 1 (grey) or 3 (colour)
  ChannelOrder channel_order = ChannelOrder::rgb;  ///< of 3 channels
  Interpolation interpolation = Interpolation::bilinear;
  CropMode crop_mode = CropMode::center;  ///< of a resize with a crop
  CropRounding crop_rounding = CropRounding::even;
  /// Turn pictures first as their EXIF tag says; else the tag is not looked at, as in torchvision.
  bool exif_orientation = false;
  /// Height and width of the network's input; 0 where the image keeps its own size.
  int size() const { return crop > 0 ? crop : resize; }
};

/// Mean, std and sizes as a data set's models usually have them.
enum class PreprocessingPreset {
  imagenet,  ///< 256, then the centre 224
  cifar10,   ///< 32
  none       ///< bytes to 0 … 1 alone
};
template <>
inline constexpr EnumName<PreprocessingPreset> kEnumNames<PreprocessingPreset>[] = {
    {PreprocessingPreset::imagenet, "imagenet"},
    {PreprocessingPreset::cifar10, "cifar10"},
    {PreprocessingPreset::none, "none"}};

enum class PictureFormat { other, png, jpeg, bmp, webp };

/// What a picture's file says beside its pixels.
struct PictureFacts {
  PictureFormat format = PictureFormat::other;  ///< by its first bytes; other: no picture file
  /// EXIF's, 1 to 8; 1: as it is stored, or nothing is said. Of JPEG, PNG and WebP.
  int orientation = 1;
};

/// What decodes JPEG files. Their pixels differ by some levels.
enum class JpegDecoder {
  none,  ///< there are no JPEG files
  stb_image,
  libjpeg_turbo  ///< within one level of Pillow
};
template <>
inline constexpr EnumName<JpegDecoder> kEnumNames<JpegDecoder>[] = {
    {JpegDecoder::none, "none"},
    {JpegDecoder::stb_image, "stb_image"},
    {JpegDecoder::libjpeg_turbo, "libjpeg-turbo"}};
/// This build's; never `none`.
SIDENET_API JpegDecoder jpeg_decoder();
/// What this build decodes each format with: "JPEG by libjpeg-turbo, PNG by libpng, WebP by
/// libwebp, BMP by stb_image".
SIDENET_API std::string picture_decoders();

/// One image file (PNG, JPEG, BMP, and WebP where the build has it) as bytes (H, W, C) with
/// `channels` 1 or 3, as it is stored. Throws Error with the file's name.
SIDENET_API Tensor read_image(const std::string& path, int channels);
/// The same with the channels that `preprocessing` wants, turned where it says so. `facts`, where
/// given, are filled.
///
///     const Tensor image = read_image("cat.png", model.preprocessing());
///     const Tensor row = preprocess_image(image, model.preprocessing());
SIDENET_API Tensor read_image(const std::string& path, const Preprocessing& preprocessing,
                              PictureFacts* facts = nullptr);
/// (H, W, C) bytes as EXIF's `orientation`, 1 to 8, wants them shown: mirrored, turned, or both.
SIDENET_API Tensor oriented_image(const Tensor& image, int orientation);
/// (H, W, C) bytes to (C, H, W) float32, as `preprocessing` says; grey is repeated, or colour
/// turned grey (ITU-R 601), where the channels differ.
SIDENET_API Tensor preprocess_image(const Tensor& image, const Preprocessing& preprocessing);

/// A PNG file of `image`, (H, W, C) bytes with C 1 or 3, none of them 0. Throws Error where it
/// cannot be made.
SIDENET_API std::string encode_png(const Tensor& image);
/// At most `size` pixels high and wide, with the sides' ratio kept (antialiased); as it is where it
/// is no larger.
SIDENET_API Tensor thumbnail(const Tensor& image, std::int64_t size);

}  // namespace sidenet
