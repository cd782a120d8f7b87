#include "metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "sidenet/error.h"

namespace sidenet {
namespace {

/// Calls visit(row, logits, label) after checking the counts, and returns the mean of what it
/// returns.
template <typename Visit>
double mean_over_rows(const Tensor& logits, const std::vector<int>& labels, const Visit& visit) {
  if (logits.rank() != 2 || logits.dim(0) != static_cast<std::int64_t>(labels.size())) {
    throw Error("metrics: logits of shape " + to_string(logits.shape()) + " for " +
                std::to_string(labels.size()) + " labels");
  }
  const std::int64_t classes = logits.dim(1);
  const float* row = logits.data<float>();
  double sum = 0;
  for (std::size_t i = 0; i < labels.size(); ++i, row += classes) {
    if (labels[i] < 0 || labels[i] >= classes) {
      throw Error("metrics: row " + std::to_string(i) + " has label " + std::to_string(labels[i]) +
                  ", expected 0 to " + std::to_string(classes - 1));
    }
    sum += visit(row, classes, labels[i]);
  }
  return labels.empty() ? std::numeric_limits<double>::quiet_NaN()
                        : sum / static_cast<double>(labels.size());
}

}  // namespace

double softmax(const float* logits, std::int64_t classes, double temperature, float* p) {
  const float inverse = static_cast<float>(1 / temperature);
  const float largest = *std::max_element(logits, logits + classes);
  double sum = 0;
  for (std::int64_t i = 0; i < classes; ++i) {
    p[i] = std::exp((logits[i] - largest) * inverse);
    sum += p[i];
  }
  const float scale = static_cast<float>(1 / sum);
  for (std::int64_t i = 0; i < classes; ++i) p[i] *= scale;
  return static_cast<double>(largest) / temperature + std::log(sum);
}

std::int64_t argmax(const float* values, std::int64_t classes) {
  return std::max_element(values, values + classes) - values;
}

double accuracy(const Tensor& logits, const std::vector<int>& labels) {
  return mean_over_rows(logits, labels, [](const float* row, std::int64_t classes, int label) {
    return argmax(row, classes) == label ? 1.0 : 0.0;
  });
}

double negative_log_likelihood(const Tensor& logits, const std::vector<int>& labels,
                               double temperature) {
  std::vector<float> p;
  return mean_over_rows(logits, labels, [&](const float* row, std::int64_t classes, int label) {
    p.resize(static_cast<std::size_t>(classes));
    return softmax(row, classes, temperature, p.data()) -
           static_cast<double>(row[label]) / temperature;
  });
}

double brier_score(const Tensor& logits, const std::vector<int>& labels, double temperature) {
  std::vector<float> p;
  return mean_over_rows(logits, labels, [&](const float* row, std::int64_t classes, int label) {
    p.resize(static_cast<std::size_t>(classes));
    softmax(row, classes, temperature, p.data());
    double sum = 0;
    for (std::int64_t i = 0; i < classes; ++i) {
      const double difference =
          static_cast<double>(p[static_cast<std::size_t>(i)]) - (i == label ? 1 : 0);
      sum += difference * difference;
    }
    return sum;
  });
}

void CalibrationBins::add(double confidence, bool correct) {
  const int index =
      confidence > 0
          ? std::min(static_cast<int>(std::ceil(std::min(confidence, 1.0) * bins)), bins) - 1
          : 0;
  Bin& bin = bins_[static_cast<std::size_t>(index)];
  ++bin.rows;
  bin.correct += correct ? 1 : 0;
  bin.confidence += confidence;
  ++rows_;
}

double CalibrationBins::ece() const {
  if (rows_ == 0) return std::numeric_limits<double>::quiet_NaN();
  double sum =
      0;  // (rows / all) |correct / rows - confidence / rows| = |correct - confidence| / all
  for (const Bin& bin : bins_) sum += std::abs(static_cast<double>(bin.correct) - bin.confidence);
  return sum / static_cast<double>(rows_);
}

double expected_calibration_error(const Tensor& logits, const std::vector<int>& labels,
                                  double temperature) {
  CalibrationBins bins;
  std::vector<float> p;
  mean_over_rows(logits, labels, [&](const float* row, std::int64_t classes, int label) {
    p.resize(static_cast<std::size_t>(classes));
    softmax(row, classes, temperature, p.data());
    const std::int64_t answer = argmax(row, classes);
    bins.add(p[static_cast<std::size_t>(answer)], answer == label);
    return 0.0;
  });
  return bins.ece();
}

}  // namespace sidenet
