#pragma once

#include <memory>

#include "sidenet/dataset.h"

namespace sidenet {

/// The rows of `data` that the options leave. Rows out of range are refused
/// with an Error, so the datasets behind it need not check. Throws Error where no row is left.
std::shared_ptr<const Dataset> row_range(std::shared_ptr<const Dataset> data,
                                         const DatasetOptions& options, const std::string& spec);

}  // namespace sidenet
