#include "exit_trust.h"

#include "exit_calibrations.h"
#include "failure_metrics.h"
#include "operating_point.h"

namespace sidenet {

std::vector<CalibratedExit> tell_trust(const ModelData& data, const MeasuredExits& measured,
                                       const ExitScores& scores,
                                       const std::vector<Calibration>& calibrations,
                                       const std::vector<double>& thresholds,
                                       const std::vector<std::uint32_t>& rows, std::uint64_t seed) {
  const std::vector<Calibration> before = calibrations_of(data);
  const ExitScores old = scores_of(measured, before);
  const std::vector<std::uint8_t> answering = answering_exits(scores, thresholds, rows);
  std::vector<CalibratedExit> exits;
  for (std::size_t exit = 0; exit < scores.exits(); ++exit) {
    std::vector<float> confidence, confidence_before;
    std::vector<std::uint8_t> right;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::uint32_t row = rows[i];
      if (answering[i] < exit) continue;
      confidence.push_back(scores.confidence[exit][row]);
      confidence_before.push_back(old.confidence[exit][row]);
      right.push_back(scores.prediction[exit][row] == scores.labels[row] ? 1 : 0);
    }
    CalibratedExit told;
    told.name = scores.names[exit];
    told.fitted_rows = calibrations[exit].rows;
    told.tested_rows = static_cast<std::int64_t>(right.size());
    told.temperature_before = before[exit].temperature;
    told.temperature = calibrations[exit].temperature;
    told.fit = calibrations[exit].fit;
    told.ece_before = top_label_scores(confidence_before, right).ece;
    told.ece = top_label_scores(confidence, right).ece;
    told.ece_floor = ece_floor(confidence, 50, seed).mean;
    told.threshold = exit < thresholds.size() ? thresholds[exit] : 0;
    exits.push_back(std::move(told));
  }
  return exits;
}

}  // namespace sidenet
