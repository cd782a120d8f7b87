#pragma once

#include <string>
#include <vector>

#include "sidenet/dataset.h"

namespace sidenet {

/// The model's class of each row of `data`. Class folders are matched to the model's labels by name; by sorted position
/// where the labels are only numbers ("0", "1", …) and there are as many folders. Data without class names gives classes
/// directly. Throws Error naming the first class or row that does not fit.
std::vector<int> map_labels(const Dataset& data, const std::vector<std::string>& labels);

}  // namespace sidenet
