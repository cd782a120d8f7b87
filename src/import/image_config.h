#pragma once

#include <optional>
#include <string>
#include <vector>

#include "import_text.h"
#include "json_field.h"
#include "sidenet/image.h"

namespace sidenet {

/// What files beside the weights tell of a network of images.
struct ImageConfig {
  std::optional<std::vector<float>> mean = {}, std = {};
  std::optional<int> resize = {}, crop = {};
  std::optional<Interpolation> interpolation = {};
  CropMode crop_mode = CropMode::center;
  CropRounding crop_rounding = CropRounding::even;
  std::vector<std::string> labels = {};
  std::vector<std::string> notes = {};
};

/// timm's config.json, as its create_transform takes it for evaluation; nothing where it is
/// another's. Throws Error where it asks for what is not done here: another pooling in front of the
/// head, arguments of the network, borders, sides that differ.
ImageConfig read_image_config(const JsonField& config);

/// All that lies beside the weights: timm's config.json, else a preprocessor_config.json, unless
/// options name a preset. Throws Error as the readers of both do.
ImageConfig read_image_files(const CheckpointFiles& files, const std::optional<JsonField>& config,
                             const ImportOptions& options);

}  // namespace sidenet
