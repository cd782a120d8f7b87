#pragma once

#include <string>
#include <vector>

#include "family.h"
#include "model_data.h"

namespace sidenet {

/// "'a', 'b', 'c', 'd', 'e' and 7 more".
std::string list_names(const std::vector<std::string>& names);

/// Takes out the tensors of the modules in `options.drop`, and those that are not under
/// `options.prefix`, which it takes off the others' names; notes both. Throws Error where a module
/// or the prefix has no tensor.
void choose_tensors(const ImportOptions& options, ModelData& data);

/// Of tensors that the network does not use: notes those that are known to change no answer. Throws
/// Error, naming them, where others are left over.
void judge_leftovers(const models::Family& family, const std::vector<std::string>& names,
                     ModelData& data);

}  // namespace sidenet
