#pragma once

#include <cstdint>
#include <vector>

namespace sidenet {

using RowCounts = std::vector<std::int64_t>;  ///< rows of each class

/// `wanted` rows in proportion to the classes, by the largest remainder (of equal ones the first
/// class's). Where there are as many as classes with rows, each of these gets one at least, from
/// those that are the most above their share. All rows where `wanted` is as many or more.
RowCounts proportional_shares(const RowCounts& counts, std::int64_t wanted);

/// What each class has among the first `wanted` rows, where classes take turns: one row of each
/// in order, then the next of each that has more.
RowCounts shares_in_turn(const RowCounts& counts, std::int64_t wanted);

}  // namespace sidenet
