#include "risk_counts.h"

namespace sidenet {

std::int64_t RiskCounts::answered_early() const {
  std::int64_t sum = 0;
  for (const Exit& exit : exits) sum += exit.answered;
  return sum;
}

RiskCounts count_risks(const ExitScores& scores, std::span<const double> thresholds,
                       std::span<const std::uint32_t> rows) {
  const std::vector<std::uint8_t> answers = answering_exits(scores, thresholds, rows);
  RiskCounts counts;
  counts.rows = static_cast<std::int64_t>(rows.size());
  for (const double threshold : thresholds) counts.exits.push_back({threshold <= 1, 0, 0});
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::size_t row = rows[i], exit = answers[i];
    if (exit == thresholds.size()) continue;
    const int answer = scores.prediction[exit][row], mainnet = scores.prediction.back()[row],
              label = scores.labels[row];
    counts.differ += answer != mainnet ? 1 : 0;
    counts.worse += answer != label && mainnet == label ? 1 : 0;
    counts.better += answer == label && mainnet != label ? 1 : 0;
    ++counts.exits[exit].answered;
    counts.exits[exit].wrong += answer != label ? 1 : 0;
  }
  return counts;
}

std::vector<RiskCounts> count_risks(const ExitScores& scores, std::span<const double> thresholds,
                                    std::span<const std::vector<std::uint32_t>> rows_by_class) {
  std::vector<RiskCounts> counts;
  for (const std::vector<std::uint32_t>& rows : rows_by_class)
    counts.push_back(count_risks(scores, thresholds, rows));
  return counts;
}

}  // namespace sidenet
