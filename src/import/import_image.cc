#include "import_image.h"

#include <sstream>

#include "model_metadata.h"
#include "preprocessing_assumptions.h"
#include "sidenet/error.h"

namespace sidenet {
namespace {

void check_channels(const char* what, const std::vector<float>& values, int channels) {
  if (!values.empty() && static_cast<int>(values.size()) != channels) {
    throw Error(std::string(what) + ": expected " + std::to_string(channels) +
                " values, one a channel, got " + std::to_string(values.size()));
  }
}

void check_values(const char* what, const std::vector<float>& values, double low, double high) {
  for (const float value : values) {
    if (value >= low && value <= high) continue;
    std::ostringstream message;
    message << what << ": expected values from " << low << " to " << high << ", got " << value;
    throw Error(message.str());
  }
}

void choose_preprocessing(ModelData& data, const ImageConfig& config,
                          const ImportOptions& options) {
  Preprocessing& p = data.preprocessing;
  p = data.architecture.preprocessing;
  if (config.mean) p.mean = *config.mean;
  if (config.std) p.std = *config.std;
  if (config.resize) p.resize = *config.resize;
  if (config.crop) p.crop = *config.crop;
  if (config.interpolation) p.interpolation = *config.interpolation;
  p.crop_mode = config.crop_mode;
  p.crop_rounding = config.crop_rounding;
  if (options.preprocess) {
    p.interpolation = Interpolation::bilinear;
    p.crop_mode = CropMode::center;
    p.crop_rounding = CropRounding::even;
    switch (*options.preprocess) {
      case PreprocessingPreset::none:
        p.mean.clear(), p.std.clear();
        p.resize = p.crop = 0;
        break;
      case PreprocessingPreset::imagenet: p = models::imagenet_preprocessing(p.channels); break;
      case PreprocessingPreset::cifar10:
        p.mean = {0.4914f, 0.4822f, 0.4465f};
        p.std = {0.2470f, 0.2435f, 0.2616f};
        p.resize = 32, p.crop = 0;
        break;
    }
  }
  if (options.mean) p.mean = *options.mean;
  if (options.std) p.std = *options.std;
  const auto pixels = [](const char* what, int value) {
    if (value < 0 || value > Preprocessing::kMaxPixels)
      throw Error(std::string(what) + ": expected 0 to " +
                  std::to_string(Preprocessing::kMaxPixels) + " pixels, got " +
                  std::to_string(value));
    return value;
  };
  if (options.size) {
    p.resize = pixels("size", *options.size);
    if (!options.crop && p.crop > p.resize) p.crop = 0;
  }
  if (options.crop) p.crop = pixels("crop", *options.crop);
  if (options.channel_order) p.channel_order = *options.channel_order;
  if (options.interpolation) p.interpolation = *options.interpolation;
  if (options.crop_mode) p.crop_mode = *options.crop_mode;
  if (options.exif_orientation) p.exif_orientation = *options.exif_orientation;
  if (p.channels == 1 && p.channel_order != ChannelOrder::rgb)
    throw Error("channel_order: expected 3 channels with bgr, got a network of 1");
  check_channels("mean", p.mean, p.channels);
  check_channels("std", p.std, p.channels);
  check_values("mean", p.mean, -kMostMean, kMostMean);
  check_values("std", p.std, kLeastStd, kMostStd);
}

void assume_preprocessing(ModelData& data, const ImageConfig& config,
                          const ImportOptions& options) {
  const bool all = options.preprocess.has_value(), size = options.size.has_value();
  const auto is_given = [&](const std::string& what) {
    if (what == "channels") return options.channel_order.has_value();
    if (what == "EXIF orientation") return options.exif_orientation.has_value();
    if (what == "resize" && options.crop_mode) return true;
    return all || (what == "interpolation" && options.interpolation.has_value()) ||
           (what == "resize" && size) || (what == "crop" && (size || options.crop.has_value())) ||
           (what == "mean" && options.mean.has_value()) ||
           (what == "std" && options.std.has_value());
  };
  const auto is_told = [&](const std::string& what) {
    return (what == "resize" && config.resize) ||
           (what == "interpolation" && config.interpolation) || (what == "crop" && config.crop) ||
           (what == "mean" && config.mean) || (what == "std" && config.std);
  };
  for (Assumption& each : assumptions_of(data.preprocessing)) {
    if (is_told(each.what)) each.source = AssumptionSource::config;
    if (is_given(each.what)) each.source = AssumptionSource::option;
    data.assumptions.push_back(std::move(each));
  }
}

// Of pixels in 0 … 1 they are not; of 0 … 255 they would be.
void note_large_means(ModelData& data) {
  constexpr float kMost = 2;
  for (const float mean : data.preprocessing.mean) {
    if (mean <= kMost && mean >= -kMost) continue;
    std::ostringstream note;
    note << "mean " << mean
         << " is subtracted from pixels in 0 … 1: a mean of 0 … 255 is divided by "
         << "255, as its std is";
    data.notes.push_back(note.str());
    return;
  }
}

}  // namespace

void import_image(const ImageConfig& config, const ImportOptions& options, ModelData& data) {
  if (!options.config.empty() || !options.vocabulary.empty() || options.max_tokens) {
    throw Error(data.source +
                ": config, vocabulary and max_tokens belong to text models, and this is a " +
                data.architecture.name);
  }
  choose_preprocessing(data, config, options);
  assume_preprocessing(data, config, options);
  if (data.labels.empty()) data.labels = config.labels;
  data.notes.insert(data.notes.end(), config.notes.begin(), config.notes.end());
  note_large_means(data);
}

}  // namespace sidenet
