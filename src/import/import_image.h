#pragma once

#include "image_config.h"
#include "model_data.h"

namespace sidenet {

/// What a recognised image model has besides its weights: its preprocessing, and labels that
/// `config` tells where none were given. Throws Error where options do not fit it, or belong to
/// texts.
void import_image(const ImageConfig& config, const ImportOptions& options, ModelData& data);

}  // namespace sidenet
