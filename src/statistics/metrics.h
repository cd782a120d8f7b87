#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "sidenet/tensor.h"

namespace sidenet {

/// p = softmax(logits / temperature), shifted by the largest logit. Returns log sum exp(logits /
/// temperature), so that log p[i] = logits[i] / temperature - result. p may be logits. classes > 0,
/// temperature > 0.
double softmax(const float* logits, std::int64_t classes, double temperature, float* p);

/// Index of the largest; the first where several are. classes > 0.
std::int64_t argmax(const float* values, std::int64_t classes);

// Over logits (rows, classes) and one label a row; NaN where there are no rows. Throw Error where
// the counts disagree or a label is outside the classes.

/// Share of rows where argmax is the label.
double accuracy(const Tensor& logits, const std::vector<int>& labels);
/// Mean of -log p[label]: what temperature scaling minimises (Guo et al., arXiv 1706.04599,
/// section 4.2).
double negative_log_likelihood(const Tensor& logits, const std::vector<int>& labels,
                               double temperature);
/// Mean over rows of sum over classes of (p - onehot)^2, in 0 … 2 (Brier, Monthly Weather Review
/// 78, 1950).
double brier_score(const Tensor& logits, const std::vector<int>& labels, double temperature);

/// Expected calibration error: sum over 15 equal bins of (rows in the bin / rows) |accuracy - mean
/// confidence|; bin m of M holds confidences in ((m - 1) / M, m / M] (Guo et al., arXiv 1706.04599,
/// equation 3).
class CalibrationBins {
 public:
  static constexpr int bins = 15;
  /// confidence in [0, 1].
  void add(double confidence, bool correct);
  std::int64_t rows() const { return rows_; }
  /// NaN where nothing was added.
  double ece() const;

 private:
  struct Bin {
    std::int64_t rows = 0, correct = 0;
    double confidence = 0;  // sum
  };
  std::array<Bin, bins> bins_{};
  std::int64_t rows_ = 0;
};

/// ECE of the largest probability after temperature.
double expected_calibration_error(const Tensor& logits, const std::vector<int>& labels,
                                  double temperature);

}  // namespace sidenet
