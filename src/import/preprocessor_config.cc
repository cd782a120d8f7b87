#include "preprocessor_config.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "model_metadata.h"

namespace sidenet {
namespace {

using Floats = std::vector<float>;

// The sides that `size` or `crop_size` asks for.
struct Sides {
  int pixels = 0;
  bool is_square = false;  // both sides; else the shorter one
};

// A type of image processor, with what it does where a file leaves it out.
struct Processor {
  const char* name;
  Sides size;
  int crop;                 // 0: no centre crop
  int resample;             // Pillow's number
  bool int_size_is_square;  // "size": 224
  Floats mean, std;
};

const Processor& processor_named(const std::string& name, const JsonField& config) {
  static const Floats half(3, 0.5f), clip_mean{0.48145466f, 0.4578275f, 0.40821073f},
      clip_std{0.26862954f, 0.26130258f, 0.27577711f};
  static const std::array<Processor, 5> known{
      Processor{"ConvNext", {384, false}, 0, 3, false, half, half},
      Processor{"ViT", {224, true}, 0, 2, true, half, half},
      Processor{"Bit", {224, false}, 224, 3, false, clip_mean, clip_std},
      Processor{"CLIP", {224, false}, 224, 3, false, clip_mean, clip_std},
      Processor{"DeiT", {256, true}, 224, 3, true, half, half}};
  for (const Processor& each : known) {
    for (const char* end :
         {"ImageProcessor", "ImageProcessorFast", "ImageProcessorPil", "FeatureExtractor"}) {
      if (name == std::string(each.name) + end) return each;
    }
  }
  config.refuse(
      "an image processor of ConvNext, ViT, Bit, CLIP or DeiT; --preprocess imagenet, or " +
      std::string("none, leaves the file aside"));
}

const Processor& processor_of(const JsonField& config) {
  for (const char* key : {"image_processor_type", "feature_extractor_type"}) {
    if (config.has(key)) return processor_named(config.at(key).string(), config.at(key));
  }
  return processor_named("ConvNextImageProcessor", config);  // a ResNet's
}

bool flag(const JsonField& config, const char* key, bool usual) {
  return config.has(key) ? config.at(key).boolean() : usual;
}

int pixels(const JsonField& field) { return field.integer(1, Preprocessing::kMaxPixels); }

Sides read_sides(const JsonField& field, bool int_is_square) {
  if (!field.is_object()) return {pixels(field), int_is_square};
  field.expect_keys({"shortest_edge", "height", "width"});
  if (field.has("shortest_edge") && !field.has("height") && !field.has("width"))
    return {pixels(field.at("shortest_edge")), false};
  if (field.has("shortest_edge")) field.refuse("shortest_edge, or height and width");
  const int height = pixels(field.at("height"));
  if (pixels(field.at("width")) != height) field.refuse("height = width");
  return {height, true};
}

Interpolation interpolation_of(int resample) {
  constexpr std::array kByNumber{Interpolation::nearest,  Interpolation::lanczos,
                                 Interpolation::bilinear, Interpolation::bicubic,
                                 Interpolation::box,      Interpolation::hamming};
  return kByNumber[static_cast<std::size_t>(resample)];
}

// All that would change the pixels and is not done here.
void refuse_other_steps(const JsonField& config) {
  constexpr std::array kRead{
      "image_processor_type", "feature_extractor_type", "processor_class", "do_resize", "size",
      "crop_pct", "resample", "do_center_crop", "crop_size", "do_rescale", "rescale_factor",
      "do_normalize", "image_mean", "image_std",
      // Without an effect on pictures read one by one as RGB.
      "do_convert_rgb", "default_to_square", "data_format", "input_data_format", "return_tensors",
      "device", "disable_grouping", "backend", "auto_map", "transformers_version"};
  for (const auto& [key, value] : config.members()) {
    const bool is_read =
        std::any_of(kRead.begin(), kRead.end(), [&](const char* known) { return key == known; });
    const std::string said = value.dump();
    if (is_read || key.starts_with("_") || said == "null" || said == "false") continue;
    value.refuse("none, as it is not known; --preprocess imagenet, or none, leaves the file aside");
  }
}

void read_geometry(const JsonField& config, const Processor& processor, ImageConfig& result) {
  const bool square_ints = flag(config, "default_to_square", processor.int_size_is_square);
  const Sides size =
      config.has("size") ? read_sides(config.at("size"), square_ints) : processor.size;
  const bool resizes = flag(config, "do_resize", true);
  int crop = 0;
  if (flag(config, "do_center_crop", processor.crop > 0))
    crop = config.has("crop_size") ? read_sides(config.at("crop_size"), true).pixels
           : processor.crop > 0    ? processor.crop
                                   : size.pixels;
  result.crop_rounding = CropRounding::down;
  result.resize = resizes ? size.pixels : 0;
  result.crop = crop;
  if (!resizes) return;
  if (std::string(processor.name) == "ConvNext") {
    if (size.is_square) config.at("size").refuse("shortest_edge, as a ConvNext's");
    constexpr int kWarped = 384;  // from here on the whole picture is squashed
    if (size.pixels < kWarped) {
      const double share =
          config.has("crop_pct") ? config.at("crop_pct").number(0.1, 1) : 224.0 / 256;
      result.resize = static_cast<int>(size.pixels / share);
      result.crop = size.pixels;
      if (crop > 0 && crop != size.pixels)
        config.at("crop_size").refuse("the size, " + std::to_string(size.pixels));
    } else if (crop > 0) {
      result.crop_mode = CropMode::squash;
    }
    return;
  }
  if (config.has("crop_pct"))
    config.at("crop_pct").refuse("none, as only a ConvNext's processor has it");
  if (size.is_square) result.crop_mode = CropMode::squash;
  if (!size.is_square && crop == 0)
    config.refuse("a centre crop behind a resize of the shortest edge: inputs of one size");
}

Floats channel_values(const JsonField& config, const char* key, const Floats& usual, double low,
                      double high) {
  if (!config.has(key)) return usual;
  if (config.at(key).is_list()) return config.at(key).floats(low, high);
  return Floats(3, static_cast<float>(config.at(key).number(low, high)));
}

// Pixels are scaled to 0 … 1 here; another scale goes into mean and std.
void read_values(const JsonField& config, const Processor& processor, ImageConfig& result) {
  double scale = 1;  // of what transformers has to what is here
  if (!flag(config, "do_rescale", true)) {
    scale = 255;
  } else if (config.has("rescale_factor")) {
    const double factor = config.at("rescale_factor").number(1e-9, 1e9);
    if (std::abs(factor * 255 - 1) > 1e-6) scale = factor * 255;
  }
  Floats mean, std;
  if (flag(config, "do_normalize", true)) {
    mean = channel_values(config, "image_mean", processor.mean, -kMostMean, kMostMean);
    std = channel_values(config, "image_std", processor.std, kLeastStd, kMostStd);
  } else if (scale != 1) {
    std.assign(3, 1);
  }
  for (Floats* values : {&mean, &std}) {
    for (float& value : *values) {
      if (scale != 1) value = static_cast<float>(value / scale);
    }
  }
  result.mean = mean;
  result.std = std;
}

}  // namespace

ImageConfig read_preprocessor_config(const JsonField& config) {
  refuse_other_steps(config);
  const Processor& processor = processor_of(config);
  ImageConfig result;
  result.interpolation = interpolation_of(
      config.has("resample") ? config.at("resample").integer(0, 5) : processor.resample);
  read_geometry(config, processor, result);
  read_values(config, processor, result);
  const bool converts =
      std::string(processor.name) == "CLIP" || std::string(processor.name) == "Bit";
  if (flag(config, "do_convert_rgb", converts))
    result.notes.push_back(config.file() +
                           ": do_convert_rgb puts transparent pictures on white; here their alpha "
                           "is dropped, so that they may be answered otherwise");
  return result;
}

}  // namespace sidenet
