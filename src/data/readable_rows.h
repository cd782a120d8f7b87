#pragma once

#include <memory>

#include "sidenet/dataset.h"

namespace sidenet {

/// The rows of `data` that can be read: pictures that decode, texts of files of their own that are
/// valid and not blank. Others are left out and told of in notes(), where the options say so:
/// broken ones by skip_broken, blank texts by drop_empty too. Throws Error for others, and where no
/// row is left. Reads every row, on all cores.
std::shared_ptr<const Dataset> readable_rows(std::shared_ptr<const Dataset> data,
                                             const DatasetOptions& options);

}  // namespace sidenet
