#include "exit_calibrations.h"

#include <algorithm>

#include "metrics.h"
#include "operating_point.h"

namespace sidenet {

std::vector<Calibration> calibrations_of(const ModelData& data) {
  std::vector<Calibration> calibrations;
  for (const ExitSpec& exit : data.exits)
    calibrations.push_back({.temperature = exit.temperature, .map = exit.map});
  calibrations.push_back({.temperature = data.temperature_of_final(), .map = data.map_of_final()});
  return calibrations;
}

std::vector<double> thresholds_of(const ModelData& data) {
  std::vector<double> thresholds;
  for (const ExitSpec& exit : data.exits)
    thresholds.push_back(exit.threshold > 1 ? kShut : exit.threshold);
  return thresholds;
}

ExitScores scores_of(const MeasuredExits& measured, const std::vector<Calibration>& calibrations) {
  ExitScores scores;
  scores.names = measured.names;
  scores.labels = measured.labels;
  scores.segment_compute = measured.segment_compute;
  scores.head_compute = measured.head_compute;
  scores.segment_ms = measured.segment_ms;
  scores.head_ms = measured.head_ms;
  scores.weight = measured.weight;
  for (std::size_t exit = 0; exit < measured.names.size(); ++exit) {
    const Tensor& logits = measured.logits[exit];
    scores.confidence.push_back(calibrated_confidences(logits, calibrations[exit]));
    std::vector<int> prediction;
    for (std::int64_t row = 0; row < logits.dim(0); ++row)
      prediction.push_back(
          static_cast<int>(argmax(logits.data<float>() + row * logits.dim(1), logits.dim(1))));
    scores.prediction.push_back(std::move(prediction));
  }
  return scores;
}

MeasuredExits take_rows(const MeasuredExits& measured, const std::vector<std::uint32_t>& rows) {
  MeasuredExits part = measured;
  const auto pick = [&](const auto& from, auto& to) {
    to.clear();
    for (const std::uint32_t row : rows) to.push_back(from[row]);
  };
  pick(measured.labels, part.labels);
  pick(measured.digests, part.digests);
  if (!measured.weight.empty()) pick(measured.weight, part.weight);
  for (std::size_t exit = 0; exit < measured.names.size(); ++exit) {
    const Tensor& from = measured.logits[exit];
    const std::int64_t classes = from.dim(1);
    part.logits[exit] = Tensor(DType::f32, {static_cast<std::int64_t>(rows.size()), classes});
    float* to = part.logits[exit].mutable_data<float>();
    for (const std::uint32_t row : rows)
      to = std::copy_n(from.data<float>() + row * classes, classes, to);
  }
  return part;
}

ModelData with_calibrations(const ModelData& data, const std::vector<Calibration>& calibrations,
                            const std::vector<double>& thresholds) {
  ModelData result = data;
  result.certificate.reset();
  for (std::size_t i = 0; i < result.exits.size(); ++i) {
    result.exits[i].temperature = calibrations[i].temperature;
    result.exits[i].map = calibrations[i].map;
    result.exits[i].threshold = thresholds[i];
  }
  const Calibration& final = calibrations.back();
  (result.head ? result.head->temperature : result.final_temperature) = final.temperature;
  (result.head ? result.head->map : result.final_map) = final.map;
  return result;
}

}  // namespace sidenet
