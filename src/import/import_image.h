#pragma once

#include "model_data.h"

namespace sidenet {

/// What a recognised image model has besides its weights: its preprocessing. Throws Error where
/// options do not fit it, or belong to texts.
void import_image(const ImportOptions& options, ModelData& data);

}  // namespace sidenet
