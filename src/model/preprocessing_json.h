#pragma once

#include <string>

#include "json_field.h"
#include "sidenet/image.h"

namespace sidenet {

/// As the model file has it, see model_metadata.h. Throws Error with the field's place.
Preprocessing read_preprocessing(const JsonField& field);
std::string preprocessing_json(const Preprocessing& preprocessing);

}  // namespace sidenet
