#include "import_image.h"

#include <sstream>

#include "model_metadata.h"
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

void choose_preprocessing(ModelData& data, const ImportOptions& options) {
  Preprocessing& p = data.preprocessing;
  p = data.architecture.preprocessing;
  if (options.preprocess) {
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
  check_channels("mean", p.mean, p.channels);
  check_channels("std", p.std, p.channels);
  check_values("mean", p.mean, -kMostMean, kMostMean);
  check_values("std", p.std, kLeastStd, kMostStd);
}

void assume_preprocessing(ModelData& data, const ImportOptions& options) {
  const Preprocessing& p = data.preprocessing;
  const auto add = [&](const char* what, const std::string& value, bool is_given) {
    data.assumptions.push_back({what, value,
                                is_given || options.preprocess ? AssumptionSource::option
                                                               : AssumptionSource::default_value});
  };
  const auto values = [](const std::vector<float>& channels, const char* none) {
    std::ostringstream text;
    for (const float value : channels) text << (text.tellp() > 0 ? "," : "") << value;
    return channels.empty() ? none : text.str();
  };
  add("resize", p.resize > 0 ? std::to_string(p.resize) : "no", options.size.has_value());
  add("crop", p.crop > 0 ? std::to_string(p.crop) : "no",
      options.crop.has_value() || options.size.has_value());
  add("mean", values(p.mean, "0"), options.mean.has_value());
  add("std", values(p.std, "1"), options.std.has_value());
  add("channels", p.channels == 1 ? "grey" : "RGB", false);
}

}  // namespace

void import_image(const ImportOptions& options, ModelData& data) {
  if (!options.config.empty() || !options.vocabulary.empty() || options.max_tokens) {
    throw Error(data.source +
                ": config, vocabulary and max_tokens belong to text models, and this is a " +
                data.architecture.name);
  }
  choose_preprocessing(data, options);
  assume_preprocessing(data, options);
}

}  // namespace sidenet
