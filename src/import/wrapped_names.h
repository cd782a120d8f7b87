#pragma once

#include <map>
#include <string>

#include "sidenet/tensor.h"

namespace sidenet {

/// A name without the modules that wrap others and compute nothing: "module" (DataParallel),
/// "_orig_mod" (torch.compile), those of FSDP.
std::string without_wrappers(const std::string& name);

/// Takes them out of all names; nothing is changed where two tensors would get one name.
void unwrap_names(std::map<std::string, Tensor>& tensors);

}  // namespace sidenet
