#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "json_path.h"

namespace sidenet {

/// The metadata that has Model::data_labels(), a JSON list.
inline constexpr const char* kDataLabels = "sidenet.data_labels";

/// Throws Error where they are not one a class, or two are alike; "" may come often.
std::vector<std::string> read_data_labels(std::string_view text, std::size_t classes,
                                          const JsonName& name);

}  // namespace sidenet
