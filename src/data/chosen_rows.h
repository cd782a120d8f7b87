#pragma once

#include <memory>

#include "sidenet/dataset.h"

namespace sidenet {

/// What --skip and --limit count along: the rows as they stand, or class by class in turn.
enum class RowOrder { as_it_stands, classes_in_turn };

/// The rows of `data` that the options leave, in their order. Rows out of range are refused with
/// an Error, so the datasets behind it need not check. Throws Error where no row is left.
std::shared_ptr<const Dataset> chosen_rows(std::shared_ptr<const Dataset> data, RowOrder order,
                                           const DatasetOptions& options, const std::string& spec);

}  // namespace sidenet
