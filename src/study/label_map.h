#pragma once

#include <string>
#include <vector>

#include "sidenet/dataset.h"

namespace sidenet {

/// The model's class of each row of `data`, whose classes are matched to the model's labels
/// - by name: as written, else without regard to the case of A to Z;
/// - where all are integers: 0 to C - 1 are classes as they stand, C being the model's; 1 to C, C
/// among them, one less;
/// - where the model's labels are only numbers ("0", "1", …) and there are as many classes: by
/// position. Data without class names gives classes directly. What was not matched by name adds a
/// line to `notes`. Throws Error naming the first class or row that does not fit.
std::vector<int> map_labels(const Dataset& data, const std::vector<std::string>& labels,
                            std::vector<std::string>* notes = nullptr);

}  // namespace sidenet
