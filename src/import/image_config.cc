#include "image_config.h"

#include <cmath>

#include "model_metadata.h"

namespace sidenet {
namespace {

void refuse_other_wirings(const JsonField& config) {
  if (config.has("global_pool") && config.at("global_pool").string() != "avg")
    config.at("global_pool").refuse("avg");
  if (!config.has("model_args")) return;
  for (const auto& [key, value] : config.at("model_args").members())
    value.refuse("none, as arguments of the network are not read");
}

// The centre of a picture that is 1 / crop_pct larger, as timm cuts it out.
void read_size(const JsonField& pretrained, ImageConfig& result) {
  if (!pretrained.has("input_size")) return;
  const int size = pretrained.at("input_size").item(2).integer(1, Preprocessing::kMaxPixels);
  const double share =
      pretrained.has("crop_pct") ? pretrained.at("crop_pct").number(0.1, 1) : 0.875;
  result.crop = size;
  result.resize = static_cast<int>(std::floor(size / share));
}

}  // namespace

ImageConfig read_image_config(const JsonField& config) {
  ImageConfig result;
  if (!config.has("pretrained_cfg")) return result;
  refuse_other_wirings(config);
  const JsonField pretrained = config.at("pretrained_cfg");
  if (pretrained.has("mean")) result.mean = pretrained.at("mean").floats(-kMostMean, kMostMean);
  if (pretrained.has("std")) result.std = pretrained.at("std").floats(kLeastStd, kMostStd);
  read_size(pretrained, result);
  if (pretrained.has("interpolation") && pretrained.at("interpolation").string() != "bilinear")
    result.notes.push_back("pictures are resized bilinearly, and config.json says " +
                           pretrained.at("interpolation").string());
  if (config.has("label_names")) {
    for (const JsonField& name : config.at("label_names").items())
      result.labels.push_back(name.string());
  }
  return result;
}

}  // namespace sidenet
