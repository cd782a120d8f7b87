#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "operating_point.h"

namespace sidenet {

/// Candidates for Risk::exit_error from `rows`, easiest to certify on `testing` other rows first:
/// for each of a row of levels, every exit in turn gets the lowest threshold of the grid at which
/// its p-value on so many rows is expected at the level or below, and is shut where there is none:
/// an exit that few rows reach could never pass.
std::vector<std::vector<double>> exit_error_path(const ExitScores& scores,
                                                 std::span<const std::uint32_t> rows,
                                                 std::size_t testing, double epsilon);

}  // namespace sidenet
