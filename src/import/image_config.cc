#include "image_config.h"

#include <cmath>

#include "model_metadata.h"
#include "preprocessor_config.h"

namespace sidenet {
namespace {

// timm's create_transform for evaluation: the centre of a picture that is 1 / crop_pct larger.
void read_transform(const JsonField& pretrained, ImageConfig& result) {
  int size = 224;
  if (pretrained.has("input_size")) {
    const JsonField sides = pretrained.at("input_size");
    size = sides.item(2).integer(1, Preprocessing::kMaxPixels);
    if (sides.item(1).integer(1, Preprocessing::kMaxPixels) != size) sides.refuse("height = width");
  }
  const double share =
      pretrained.has("crop_pct") ? pretrained.at("crop_pct").number(0.1, 1) : 0.875;
  result.crop = size;
  result.resize = static_cast<int>(std::floor(size / share));
  result.interpolation = pretrained.has("interpolation")
                             ? read_named<Interpolation>(pretrained.at("interpolation"))
                             : Interpolation::bicubic;
  if (pretrained.has("crop_mode"))
    result.crop_mode = read_named<CropMode>(pretrained.at("crop_mode"));
}

void read_labels(const JsonField& config, ImageConfig& result) {
  if (!config.has("label_names") || !result.labels.empty()) return;
  for (const JsonField& name : config.at("label_names").items())
    result.labels.push_back(name.string());
}

// Older files of timm have its fields beside the architecture.
bool is_timm(const JsonField& config) {
  return config.has("pretrained_cfg") || (config.has("architecture") && config.has("input_size"));
}

}  // namespace

ImageConfig read_image_config(const JsonField& config) {
  ImageConfig result;
  if (!is_timm(config)) return result;
  const JsonField pretrained = config.has("pretrained_cfg") ? config.at("pretrained_cfg") : config;
  if (pretrained.has("mean")) result.mean = pretrained.at("mean").floats(-kMostMean, kMostMean);
  if (pretrained.has("std")) result.std = pretrained.at("std").floats(kLeastStd, kMostStd);
  read_transform(pretrained, result);
  read_labels(pretrained, result);
  return result;
}

ImageConfig read_image_files(const CheckpointFiles& files, const std::optional<JsonField>& config,
                             const ImportOptions& options) {
  ImageConfig result = config ? read_image_config(*config) : ImageConfig{};
  if (files.preprocessor_config.empty() || options.preprocess) return result;
  if (config && is_timm(*config)) {
    result.notes.push_back("preprocessor_config.json is left aside: config.json is timm's");
    return result;
  }
  return read_preprocessor_config(read_object(files.preprocessor_config));
}

}  // namespace sidenet
