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

/// How an image file becomes an input: resize the shorter side to `resize` (antialiased bilinear,
/// as Pillow does it), cut out the centre `crop` x `crop`, scale bytes to 0 … 1, then (x - mean[c])
/// / std[c]. 0 leaves a step out. With `crop` 0 the image is resized to exactly `resize` x
/// `resize`. `size` is what the network receives.
struct Preprocessing {
  /// Of resize and crop: a network that is given a picture of this size already takes gigabytes.
  static constexpr int kMaxPixels = 4096;
  std::vector<float> mean = {};  ///< one a channel, in the network's order; empty: none
  std::vector<float> std = {};   ///< one a channel, in the network's order; empty: none
  int resize = 0;                ///< pixels
  int crop = 0;                  ///< pixels
  int channels = 3;              ///< 1 (grey) or 3 (colour)
  ChannelOrder channel_order = ChannelOrder::rgb;  ///< of 3 channels
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

/// One image file (PNG, JPEG, BMP) as bytes (H, W, C) with `channels` 1 or 3. Throws Error with the
/// file's name.
///
///     const Tensor image = read_image("cat.png", model.preprocessing().channels);
///     const Tensor row = preprocess_image(image, model.preprocessing());
SIDENET_API Tensor read_image(const std::string& path, int channels);
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
