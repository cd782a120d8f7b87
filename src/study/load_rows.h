#pragma once

#include <cstdint>

#include "sidenet/dataset.h"
#include "sidenet/model.h"

namespace sidenet {

/// Rows first … first + count of the data as the model takes them; labels are left out. Unlike
/// for_each_batch, nothing is read ahead: decoding must not run beside what is timed. Throws Error
/// with the row's name.
Batch load_rows(const Model& model, const Dataset& data, std::int64_t first, std::int64_t count,
                int threads);

}  // namespace sidenet
