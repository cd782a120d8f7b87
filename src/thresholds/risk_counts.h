#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "operating_point.h"

namespace sidenet {

/// What one choice of thresholds does to rows: the material of every risk's test.
struct RiskCounts {
  std::int64_t rows = 0;
  /// Rows where MainNet alone is right, and where the exit that answers alone is.
  std::int64_t worse = 0, better = 0;
  std::int64_t differ = 0;  ///< rows answered with another class than MainNet's
  struct Exit {
    bool open = false;
    std::int64_t answered = 0, wrong = 0;
  };
  std::vector<Exit> exits{};  ///< without `final`

  std::int64_t answered_early() const;
};

/// The label of a row that has none: nothing is right or wrong on it, and answers may still differ
/// from MainNet's.
inline constexpr int kNoLabel = -1;

RiskCounts count_risks(const ExitScores& scores, std::span<const double> thresholds,
                       std::span<const std::uint32_t> rows);

/// The same by class: one entry for each of `rows_by_class`.
std::vector<RiskCounts> count_risks(const ExitScores& scores, std::span<const double> thresholds,
                                    std::span<const std::vector<std::uint32_t>> rows_by_class);

}  // namespace sidenet
