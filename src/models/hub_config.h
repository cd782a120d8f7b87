#pragma once

#include "json_field.h"
#include "resnet.h"

namespace sidenet::models {

/// What a config.json of transformers' ResNetForImageClassification tells of a network beyond its
/// weights; nothing where the file is another's. Throws Error, naming the field, where it does not
/// fit the weights, or asks for what is not done here.
Settings read_resnet_config(const JsonField& config, const Weights& weights, const Settings& given);

/// Throws Error where a config.json says that an answer is no class of several: its `problem_type`.
void refuse_other_problems(const JsonField& config);

/// Throws Error where a config.json names Python code of its own.
void refuse_own_code(const JsonField& config);

}  // namespace sidenet::models
