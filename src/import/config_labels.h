#pragma once

#include <string>
#include <vector>

#include "json_field.h"

namespace sidenet {

/// The classes' names that a config.json tells (`id2label`, else timm's `label_names`, else
/// `label2id`), one for each of `classes`; none where nobody chose them (LABEL_0, LABEL_1, …), or
/// there is no head. Throws Error where they are not of a head with so many classes, or not of
/// texts.
std::vector<std::string> read_config_labels(const JsonField& config, int classes);

}  // namespace sidenet
