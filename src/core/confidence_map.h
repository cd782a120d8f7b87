#pragma once

#include <cstddef>
#include <vector>

namespace sidenet {

/// A strictly increasing, piecewise-linear map of a confidence in [0, 1] to a calibrated one in [0,
/// 1]. As it keeps the order of rows, a threshold on the mapped confidence selects what some
/// threshold on the raw one does. Needs nothing but its two lists, which are stored with the model.
class ConfidenceMap {
 public:
  static constexpr std::size_t max_knots = 32;

  /// The identity, which has no knots.
  ConfidenceMap() = default;
  /// Goes through (x[i], y[i]), straight between them. Throws Error unless there are 2 … max_knots
  /// of each, x rises strictly from 0 to 1, and y rises strictly within [0, 1]. Two empty lists are
  /// the identity.
  ConfidenceMap(std::vector<float> x, std::vector<float> y);

  /// NaN for NaN; what lies outside [0, 1] is taken for the nearer end. Never falls as confidence
  /// rises, rounding included; confidences closer than a float tells apart can come out equal.
  float operator()(float confidence) const;

  bool identity() const { return x_.empty(); }
  const std::vector<float>& x() const { return x_; }
  const std::vector<float>& y() const { return y_; }
  bool operator==(const ConfidenceMap&) const = default;

 private:
  std::vector<float> x_, y_;
};

}  // namespace sidenet
