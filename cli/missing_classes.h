#pragma once

#include <vector>

#include "row_options.h"
#include "sidenet/model.h"

namespace sidenet::tools {

/// Tells on stderr, in a line, which classes of the model have no folder in folders of class
/// folders: what is measured there says nothing of them. Nothing where the data's classes are not
/// the model's by name, and of other data.
void tell_missing_classes(const Model& model, const std::vector<NamedData>& data, bool quiet);

}  // namespace sidenet::tools
