#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "balanced_accuracy.h"
#include "sidenet/session.h"

namespace sidenet {

/// What MainNet answers on the first rows of a trial, when they are preprocessed in one way.
class TrialScore {
 public:
  /// The next rows.
  void take(const Answers& answers);
  /// labels: of all rows taken. Fits the temperature. Throws Error where the counts differ.
  void judge(std::span<const int> labels, std::size_t classes);

  // As judge() left them.
  std::int64_t right() const { return right_; }
  double log_loss() const;
  const ClassCounts& counts() const { return counts_; }
  /// More rows right, or as many with a lower log loss.
  bool is_before(const TrialScore& other) const;
  /// Clearly better on the same rows, see try_preprocessing().
  bool beats(const TrialScore& other) const;

 private:
  std::vector<int> answers_;    // -1: none
  std::vector<float> logits_;   // (rows, classes); 0 of a row where some is not finite
  std::vector<char> is_right_;  // one a row
  std::vector<double> loss_;    // one a row
  std::int64_t right_ = 0;
  ClassCounts counts_{0};
};

}  // namespace sidenet
