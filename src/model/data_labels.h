#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "model_metadata.h"

namespace sidenet {

/// The metadata that has Model::data_labels(), a JSON list.
inline constexpr const char* kDataLabels = "sidenet.data_labels";

/// Empty where there is none. Throws Error where they are not one a class, or two are alike; "" may
/// come often.
std::vector<std::string> read_data_labels(const std::string& path, const ModelMetadata& metadata,
                                          std::size_t classes);

}  // namespace sidenet
