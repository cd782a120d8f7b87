#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "operating_point.h"

namespace sidenet {

/// Thresholds worth trying, highest first: 1 to 0.3 in equal steps of the logit (0.05), so finest
/// near 1, where a sure network's confidences crowd; four decimals. Fixed, so that what is tested
/// on rows was not chosen by them.
std::vector<double> threshold_grid();

/// One threshold for all exits: every one of threshold_grid(), all shut first. Throws Error as
/// operate.
std::vector<OperatingPoint> uniform_curve(const ExitScores& scores,
                                          std::span<const std::uint32_t> rows);

struct SearchOptions {
  enum class Quality { accuracy, agreement } quality = Quality::accuracy;
  enum class Cost { compute, ms } cost = Cost::compute;
  std::uint64_t seed = 0;
};

/// One threshold an exit, useless exits shut: the points that no other beats in both quality and
/// cost on these rows, dearest first, those of the uniform curve among them. Points are found for
/// 40 prices of cost by ThresholdDescent.
///
/// Tuned as it stands, one threshold an exit learns the rows: on others it loses more than the
/// uniform curve and saves mostly less. Two things make it about as good there: the loss is half
/// disagreement with MainNet, which varies less than being wrong, and thresholds are means (of the
/// logits) over resampled rows (Breiman, "Bagging predictors", Machine Learning 24, 1996). It is
/// worth its trouble where SideNets differ in cost or worth.
///
/// Throws Error as operate, or where cost is ms and nothing was timed. The same seed gives the same
/// curve.
std::vector<OperatingPoint> joint_curve(const ExitScores& scores,
                                        std::span<const std::uint32_t> rows,
                                        const SearchOptions& options = {});

}  // namespace sidenet
