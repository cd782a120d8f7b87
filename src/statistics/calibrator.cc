#include "calibrator.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>

#include "random.h"
#include "sidenet/error.h"

namespace sidenet {
namespace {

constexpr double kPriorRows = 3;  // of the temperature

[[noreturn]] void fail(const std::string& what) { throw Error("calibration: " + what); }

/// Logits and labels that are checked before use.
struct Rows {
  std::int64_t classes;
  const float* logits;  // (rows, classes)
  const std::vector<int>& labels;

  Rows(const Tensor& tensor, const std::vector<int>& row_labels) : labels(row_labels) {
    if (tensor.rank() != 2 || tensor.dim(1) < 1 ||
        tensor.dim(0) != static_cast<std::int64_t>(labels.size())) {
      fail("logits of shape " + to_string(tensor.shape()) + " for " +
           std::to_string(labels.size()) + " labels");
    }
    classes = tensor.dim(1);
    logits = tensor.data<float>();
  }
  const float* row(std::uint32_t index) const {
    return logits + static_cast<std::int64_t>(index) * classes;
  }
  void check(std::uint32_t index) const {
    if (index >= labels.size()) {
      fail("row " + std::to_string(index) + ": expected below " + std::to_string(labels.size()));
    }
    if (labels[index] < 0 || labels[index] >= classes) {
      fail("row " + std::to_string(index) + " has label " + std::to_string(labels[index]) +
           ", expected 0 to " + std::to_string(classes - 1));
    }
    const float* values = row(index);
    for (std::int64_t i = 0; i < classes; ++i) {
      if (!std::isfinite(values[i])) {
        fail("row " + std::to_string(index) + ": logit " + std::to_string(i) + " is not finite");
      }
    }
  }
};

std::vector<std::uint32_t> all_rows(std::size_t count) {
  if (count > std::numeric_limits<std::uint32_t>::max())
    fail("more rows than 2^32: " + std::to_string(count));
  std::vector<std::uint32_t> rows(count);
  std::iota(rows.begin(), rows.end(), 0u);
  return rows;
}

/// First and second derivative, over b = 1 / T, of sum over rows of log sum exp(b z) - b z[label]:
/// the sums of E z - z[label] and of the variance of z under softmax(b z).
std::array<double, 2> nll_derivatives(const Rows& data, std::span<const std::uint32_t> rows,
                                      double b) {
  double first = 0, second = 0;
  for (const std::uint32_t index : rows) {
    const float* z = data.row(index);
    const double largest = static_cast<double>(*std::max_element(z, z + data.classes));
    double sum = 0, mean = 0, square = 0;
    for (std::int64_t i = 0; i < data.classes; ++i) {
      const double shifted = static_cast<double>(z[i]) - largest;
      const double e = std::exp(b * shifted);
      sum += e;
      mean += e * shifted;
      square += e * shifted * shifted;
    }
    mean /= sum;
    first += mean - (static_cast<double>(z[data.labels[index]]) - largest);
    second += std::max(square / sum - mean * mean, 0.0);
  }
  return {first, second};
}

/// The same expression as the runtime's confidence, so that a threshold cuts the same rows there,
/// to the bit.
float max_probability(const float* logits, std::int64_t classes, double temperature) {
  const double largest = static_cast<double>(*std::max_element(logits, logits + classes));
  double sum = 0;
  for (std::int64_t i = 0; i < classes; ++i)
    sum += std::exp((static_cast<double>(logits[i]) - largest) / temperature);
  return static_cast<float>(1 / sum);
}

void check_exits(std::span<const Tensor> logits, std::size_t others, const char* what) {
  if (logits.size() != others) {
    fail("expected one of the " + std::string(what) + " for each of " +
         std::to_string(logits.size()) + " exits, got " + std::to_string(others));
  }
}

/// Takes out those that leave.
void keep_unsure(std::vector<std::uint32_t>& rows, const std::vector<float>& confidences,
                 double threshold) {
  std::erase_if(rows, [&](std::uint32_t row) {
    return static_cast<double>(confidences.at(row)) >= threshold;
  });
}

}  // namespace

double fit_temperature(const Tensor& logits, const std::vector<int>& labels,
                       std::span<const std::uint32_t> rows, double prior) {
  constexpr double lowest = 1e-4, highest = 1e4;
  if (!(prior >= lowest && prior <= highest)) fail("prior temperature " + std::to_string(prior));
  const Rows data(logits, labels);
  for (const std::uint32_t index : rows) data.check(index);
  // Over b = 1 / T the likelihood is convex, and so is the prior, kPriorRows (b T0 - log(b T0)):
  // one minimum, where the derivative passes 0. Newton, or halving where Newton leaves the bracket.
  double low = 1 / highest, high = 1 / lowest, b = 1 / prior;
  for (int iteration = 0; iteration < 200; ++iteration) {
    auto [first, second] = nll_derivatives(data, rows, b);
    first += kPriorRows * (prior - 1 / b);
    second += kPriorRows / (b * b);
    (first > 0 ? high : low) = b;
    double next = b - first / second;
    if (!(next > low && next < high)) next = std::sqrt(low * high);
    if (std::abs(next - b) < 1e-9 * b) break;
    b = next;
  }
  return std::clamp(1 / b, lowest, highest);
}

Calibration fit_calibration(const Tensor& logits, const std::vector<int>& labels,
                            std::span<const std::uint32_t> rows,
                            const CalibrationOptions& options) {
  Calibration result;
  result.temperature = fit_temperature(logits, labels, all_rows(labels.size()), 1);
  result.rows = static_cast<std::int64_t>(rows.size());
  if (rows.empty()) return result;
  result.temperature = fit_temperature(logits, labels, rows, result.temperature);
  const Rows data(logits, labels);
  std::vector<JudgedRow> judged;
  for (const std::uint32_t index : rows) {
    const float* z = data.row(index);
    const bool right = std::max_element(z, z + data.classes) - z == labels[index];
    const auto fold = static_cast<int>(Random(options.seed, index).below(kCalibrationFolds));
    judged.push_back({max_probability(z, data.classes, result.temperature), right, fold});
  }
  result.fit =
      options.fit == ConfidenceFit::automatic ? choose_confidence_fit(judged) : options.fit;
  result.map = fit_confidence_map(result.fit, judged);
  return result;
}

std::vector<float> calibrated_confidences(const Tensor& logits, const Calibration& calibration) {
  if (logits.rank() != 2 || logits.dim(1) < 1) fail("logits of shape " + to_string(logits.shape()));
  const std::int64_t classes = logits.dim(1);
  const float* row = logits.data<float>();
  std::vector<float> confidences(static_cast<std::size_t>(logits.dim(0)));
  for (float& confidence : confidences) {
    confidence = calibration.map(max_probability(row, classes, calibration.temperature));
    row += classes;
  }
  return confidences;
}

std::vector<Calibration> fit_calibrations(std::span<const Tensor> logits,
                                          const std::vector<int>& labels,
                                          std::span<const double> thresholds,
                                          const CalibrationOptions& options) {
  check_exits(logits, thresholds.size(), "thresholds");
  std::vector<Calibration> calibrations;
  std::vector<std::uint32_t> rows = all_rows(labels.size());
  for (std::size_t exit = 0; exit < logits.size(); ++exit) {
    calibrations.push_back(fit_calibration(logits[exit], labels, rows, options));
    keep_unsure(rows, calibrated_confidences(logits[exit], calibrations.back()), thresholds[exit]);
  }
  return calibrations;
}

std::vector<std::vector<std::uint32_t>> rows_that_reach(std::span<const Tensor> logits,
                                                        std::span<const Calibration> calibrations,
                                                        std::span<const double> thresholds) {
  check_exits(logits, calibrations.size(), "calibrations");
  check_exits(logits, thresholds.size(), "thresholds");
  std::vector<std::vector<std::uint32_t>> result;
  std::vector<std::uint32_t> rows;
  for (std::size_t exit = 0; exit < logits.size(); ++exit) {
    const std::vector<float> confidences = calibrated_confidences(logits[exit], calibrations[exit]);
    if (exit == 0) rows = all_rows(confidences.size());
    result.push_back(rows);
    keep_unsure(rows, confidences, thresholds[exit]);
  }
  return result;
}

}  // namespace sidenet
