#pragma once

#include <string>

#include "sidenet/text.h"

namespace sidenet::tools {

/// Packs integer .npy files (rows, tokens): tokens with mask 0 are left out, the others keep their
/// place as their position. mask and types may be empty names: no padding, all of type 0. Throws
/// Error with the file's name: other shapes, a mask that is not 0 or 1, a row whose first token is
/// masked.
TokenRows read_token_rows(const std::string& ids, const std::string& mask,
                          const std::string& types);

}  // namespace sidenet::tools
