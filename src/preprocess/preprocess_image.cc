#include <algorithm>
#include <array>
#include <cmath>

#include "image_channels.h"
#include "image_resize.h"
#include "sidenet/error.h"
#include "sidenet/image.h"

namespace sidenet {
namespace {

constexpr std::int64_t kMaxImageSide = 1 << 15;

// One axis of "resize, then cut out the centre": which part of the resized image is kept, and where
// it goes.
struct Axis {
  std::int64_t resized = 0;  // extent after resizing
  std::int64_t begin = 0;    // first pixel kept
  std::int64_t kept = 0;
  std::int64_t output = 0;  // extent of the result
  std::int64_t padding =
      0;  // zeros before the first pixel, where the image is smaller than the crop
};

// torchvision's center_crop: offset int(round((extent - crop) / 2.0)), and Python rounds halves to
// even. transformers' center_crop: (extent - crop) // 2, and of padding the larger half comes
// first.
Axis centre(std::int64_t resized, std::int64_t crop, CropRounding rounding) {
  if (crop == 0) return {resized, 0, resized, resized, 0};
  const bool even = rounding == CropRounding::even;
  if (resized < crop) return {resized, 0, resized, crop, (crop - resized + (even ? 0 : 1)) / 2};
  const std::int64_t spare = resized - crop;
  const bool up = even && spare % 2 == 1 && spare / 2 % 2 == 1;
  return {resized, spare / 2 + (up ? 1 : 0), crop, crop, 0};
}

// torchvision's Resize(size): the shorter side becomes `size`, the longer int(size * long / short).
std::array<Axis, 2> output_geometry(std::int64_t height, std::int64_t width,
                                    const Preprocessing& preprocessing) {
  const std::int64_t resize = preprocessing.resize, crop = preprocessing.crop,
                     shorter = std::min(height, width);
  const auto axis = [&](std::int64_t side) {
    const bool keeps = resize == 0,
               is_square = crop == 0 || preprocessing.crop_mode == CropMode::squash;
    const std::int64_t resized = keeps ? side : is_square ? resize : resize * side / shorter;
    return centre(resized, crop, preprocessing.crop_rounding);
  };
  return {axis(height), axis(width)};
}

void check(const Tensor& image, const Preprocessing& preprocessing) {
  if (image.dtype() != DType::u8 || image.rank() != 3 || (image.dim(2) != 1 && image.dim(2) != 3)) {
    throw Error(std::string("image: expected bytes (H, W, 1 or 3), got ") +
                dtype_name(image.dtype()) + " " + to_string(image.shape()));
  }
  if (image.empty() || image.dim(0) > kMaxImageSide || image.dim(1) > kMaxImageSide) {
    throw Error("image: expected sides of 1 to " + std::to_string(kMaxImageSide) + ", got " +
                to_string(image.shape()));
  }
  if (preprocessing.channels != 1 && preprocessing.channels != 3) {
    throw Error("preprocessing: channels: expected 1 or 3, got " +
                std::to_string(preprocessing.channels));
  }
  if (preprocessing.channels == 1 && preprocessing.channel_order != ChannelOrder::rgb)
    throw Error("preprocessing: channel order: expected 3 channels with bgr, got 1");
  for (const int side : {preprocessing.resize, preprocessing.crop}) {
    if (side < 0 || side > Preprocessing::kMaxPixels) {
      throw Error("preprocessing: resize and crop: expected 0 to " +
                  std::to_string(Preprocessing::kMaxPixels) + ", got " + std::to_string(side));
    }
  }
  const auto channels = static_cast<std::size_t>(preprocessing.channels);
  for (const auto* values : {&preprocessing.mean, &preprocessing.std}) {
    if (!values->empty() && values->size() != channels) {
      throw Error("preprocessing: mean and std: expected " + std::to_string(channels) +
                  " values, one a channel, got " + std::to_string(values->size()));
    }
    for (const float value : *values) {
      if (!std::isfinite(value)) throw Error("preprocessing: mean and std: expected finite values");
    }
  }
  if (std::count(preprocessing.std.begin(), preprocessing.std.end(), 0.0f) > 0) {
    throw Error("preprocessing: std: expected values other than 0");
  }
}

// What each byte becomes: (byte / 255 - mean) / std, each step rounded to float32 as ToTensor and
// Normalize do.
std::array<float, 256> byte_values(const Preprocessing& preprocessing, std::size_t channel) {
  const float mean = preprocessing.mean.empty() ? 0.0f : preprocessing.mean[channel];
  const float std = preprocessing.std.empty() ? 1.0f : preprocessing.std[channel];
  std::array<float, 256> values;
  for (std::size_t byte = 0; byte < values.size(); ++byte) {
    values[byte] = (static_cast<float>(byte) / 255.0f - mean) / std;
  }
  return values;
}

// Channel `source_channel` of the pixels (rows.kept, columns.kept, C) into a plane (rows.output,
// columns.output).
void write_plane(const Tensor& pixels, std::int64_t source_channel, const Axis& rows,
                 const Axis& columns, const std::array<float, 256>& values, float* plane) {
  const std::int64_t channels = pixels.dim(2);
  if (rows.kept < rows.output || columns.kept < columns.output)
    std::fill_n(plane, rows.output * columns.output, values[0]);
  for (std::int64_t y = 0; y < rows.kept; ++y) {
    const std::uint8_t* from =
        pixels.data<std::uint8_t>() + y * columns.kept * channels + source_channel;
    float* to = plane + (rows.padding + y) * columns.output + columns.padding;
    for (std::int64_t x = 0; x < columns.kept; ++x) to[x] = values[from[x * channels]];
  }
}

Tensor to_grey(const Tensor& image) {
  Tensor grey(DType::u8, {image.dim(0), image.dim(1), 1});
  convert_channels(image.data<std::uint8_t>(), static_cast<int>(image.dim(2)),
                   grey.mutable_data<std::uint8_t>(), 1, static_cast<std::size_t>(grey.size()));
  return grey;
}

}  // namespace

Tensor preprocess_image(const Tensor& image, const Preprocessing& preprocessing) {
  check(image, preprocessing);
  // Colour turns grey before it is resized, as convert("L") does; grey is repeated after, which
  // gives the same bytes.
  const Tensor source = preprocessing.channels == 1 && image.dim(2) == 3 ? to_grey(image) : image;
  const auto [rows, columns] = output_geometry(image.dim(0), image.dim(1), preprocessing);
  const Window window{columns.begin, rows.begin, columns.kept, rows.kept};
  const bool whole = rows.kept == source.dim(0) && columns.kept == source.dim(1) &&
                     rows.resized == source.dim(0) && columns.resized == source.dim(1);
  const Tensor pixels = whole ? source
                              : resize_image(source, rows.resized, columns.resized, window,
                                             preprocessing.interpolation);

  const std::int64_t channels = preprocessing.channels, plane = rows.output * columns.output;
  const bool reversed = preprocessing.channel_order == ChannelOrder::bgr;
  Tensor result(DType::f32, {channels, rows.output, columns.output});
  for (std::int64_t c = 0; c < channels; ++c) {
    const std::int64_t colour = reversed ? channels - 1 - c : c;
    write_plane(pixels, pixels.dim(2) == 1 ? 0 : colour, rows, columns,
                byte_values(preprocessing, static_cast<std::size_t>(c)),
                result.mutable_data<float>() + c * plane);
  }
  return result;
}

}  // namespace sidenet
