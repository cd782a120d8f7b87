#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "json_path.h"

namespace sidenet {

/// A JSON list of at most `most` strings, without a document in between. Throws Error as read_json
/// does, and for any other value, with its index.
std::vector<std::string> read_string_list(std::string_view text, std::size_t most,
                                          const JsonName& name);

}  // namespace sidenet
