#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sidenet/operating_point.h"
#include "threshold.h"

namespace sidenet {

/// Throws Error where the lists of `scores` disagree in length, there is no exit but `final`, or a
/// number is no confidence (0 … 1), weight or cost (finite, not negative; MainNet's compute and the
/// sum of weights positive). The functions below take scores that were checked.
void check_scores(const ExitScores& scores);

/// 0 … rows - 1.
std::vector<std::uint32_t> all_rows(const ExitScores& scores);

/// The exit (index, `final` last) that answers each of `rows`: the first whose threshold its
/// confidence reaches. thresholds: one an exit without `final`. Throws Error on another count, a
/// NaN, or more than 255 exits.
std::vector<std::uint8_t> answering_exits(const ExitScores& scores,
                                          std::span<const double> thresholds,
                                          std::span<const std::uint32_t> rows);

/// A row pays MainNet's segments up to where it leaves and the SideNet of every open exit that it
/// meets; shut exits cost nothing. A row's costs scale with its weight. Throws Error as
/// answering_exits, or where there are no rows.
OperatingPoint operate(const ExitScores& scores, std::span<const double> thresholds,
                       std::span<const std::uint32_t> rows);
OperatingPoint operate(const ExitScores& scores, std::span<const double> thresholds);

}  // namespace sidenet
