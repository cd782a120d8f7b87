#pragma once

#include "image_config.h"
#include "json_field.h"

namespace sidenet {

/// What a Hugging Face preprocessor_config.json tells: what transformers' image processor of that
/// type does with `backend="pil"`. Known are those of ConvNeXt (also ResNet's), ViT, BiT, CLIP and
/// DeiT, by their new names and their old ones. What a file leaves out is as the type has it.
/// Throws Error, naming the field, for other types, other steps, and inputs whose sides differ.
ImageConfig read_preprocessor_config(const JsonField& config);

}  // namespace sidenet
