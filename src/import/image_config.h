#pragma once

#include <optional>
#include <string>
#include <vector>

#include "json_field.h"

namespace sidenet {

/// What timm's config.json tells of a network of images beside its weights.
struct ImageConfig {
  std::optional<std::vector<float>> mean = {}, std = {};
  std::optional<int> resize = {}, crop = {};
  std::vector<std::string> labels = {};
  std::vector<std::string> notes = {};
};

/// Reads it; nothing where it is another's. Throws Error where it asks for what is not done here:
/// another pooling in front of the head, arguments of the network.
ImageConfig read_image_config(const JsonField& config);

}  // namespace sidenet
