#include "confidence_fit.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <utility>

namespace sidenet {
namespace {

constexpr double kSigmoidPrior = 10;     // precision of a - 1 and of b
constexpr double kSmallestSlope = 0.05;  // of the sigmoid, so that it rises
constexpr double kEdge = 1e-6;           // confidences 0 and 1 count as this and 1 - this
constexpr std::size_t kRowsPerBin = 100, kMaxBins = 24;
constexpr double kBinPriorRows = 100;
constexpr std::size_t kRowsToCompare = 50;  // below, the temperature alone

double sigmoid(double u) { return 1 / (1 + std::exp(-u)); }

/// Finite at 0 and 1 too.
double soft_logit(double confidence) {
  const double p = kEdge + (1 - 2 * kEdge) * confidence;
  return std::log(p / (1 - p));
}

double inverse_soft_logit(double u) { return (sigmoid(u) - kEdge) / (1 - 2 * kEdge); }

double log_loss(double p, bool right) {
  const double clipped = std::clamp(p, kEdge, 1 - kEdge);
  return -std::log(right ? clipped : 1 - clipped);
}

/// The sigmoid that minimises the sum of its log loss + kSigmoidPrior / 2 ((a - 1)^2 + b^2), which
/// is strictly convex: Newton steps, halved while the objective rises.
class SigmoidFit {
 public:
  explicit SigmoidFit(std::span<const JudgedRow> rows) : rows_(rows) {
    for (const JudgedRow& row : rows) u_.push_back(soft_logit(static_cast<double>(row.confidence)));
    minimise(true);
    if (a_ >= kSmallestSlope) return;
    a_ = kSmallestSlope;
    minimise(false);
  }
  double operator()(double u) const { return sigmoid(a_ * u + b_); }

 private:
  double objective(double a, double b) const {
    double sum = kSigmoidPrior / 2 * ((a - 1) * (a - 1) + b * b);
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      const double v = (a * u_[i] + b) * (rows_[i].right ? -1 : 1);
      sum += std::max(v, 0.0) + std::log1p(std::exp(-std::abs(v)));  // log(1 + exp(v))
    }
    return sum;
  }

  /// Of a and b; only of b where the slope stays.
  std::array<double, 2> newton_step(bool slope_is_free) const {
    double ga = kSigmoidPrior * (a_ - 1), gb = kSigmoidPrior * b_, haa = kSigmoidPrior, hab = 0,
           hbb = kSigmoidPrior;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      const double p = (*this)(u_[i]), error = p - (rows_[i].right ? 1 : 0), weight = p * (1 - p);
      ga += error * u_[i];
      gb += error;
      haa += weight * u_[i] * u_[i];
      hab += weight * u_[i];
      hbb += weight;
    }
    if (!slope_is_free) return {0, gb / hbb};
    const double determinant = haa * hbb - hab * hab;
    return {(hbb * ga - hab * gb) / determinant, (haa * gb - hab * ga) / determinant};
  }

  void minimise(bool slope_is_free) {
    double value = objective(a_, b_);
    for (int iteration = 0; iteration < 50; ++iteration) {
      auto [da, db] = newton_step(slope_is_free);
      double next = objective(a_ - da, b_ - db);
      for (int halved = 0; next > value && halved < 30; ++halved) {
        da /= 2;
        db /= 2;
        next = objective(a_ - da, b_ - db);
      }
      if (next >= value) return;
      a_ -= da;
      b_ -= db;
      if (value - next < 1e-12 * value) return;
      value = next;
    }
  }

  std::span<const JudgedRow> rows_;
  std::vector<double> u_;
  double a_ = 1, b_ = 0;
};

/// Points to knots: keeps those that rise strictly as floats; the end at 1 stays, and points not
/// below it go.
class KnotList {
 public:
  void add(double x, double y) {
    const auto fx = static_cast<float>(x), fy = static_cast<float>(y);
    if (!x_.empty() && (fx <= x_.back() || fy <= y_.back())) return;
    x_.push_back(fx);
    y_.push_back(fy);
  }
  ConfidenceMap end(double y) {
    const auto last = static_cast<float>(y);
    while (x_.size() > 1 && (x_.back() >= 1 || y_.back() >= last)) {
      x_.pop_back();
      y_.pop_back();
    }
    x_.push_back(1);
    y_.push_back(last);
    return {std::move(x_), std::move(y_)};
  }

 private:
  std::vector<float> x_, y_;
};

/// The fitted curve, as a line between logits: cuts are made where it is worst off, in absolute
/// error and in that of 1 - y (thresholds lie near 1). For a in 0.3 … 2 and |b| <= 1.5 it stays
/// within 0.006 of the curve, and 1 - y within 10 %.
ConfidenceMap sigmoid_map(std::span<const JudgedRow> rows) {
  struct Cut {
    double error, at;
  };
  constexpr double lowest = 1e-3;  // of 1,000 classes; below it one line will do
  const SigmoidFit fitted(rows);
  const auto worst_cut = [&](double left, double right) {
    const double x0 = inverse_soft_logit(left),
                 slope = (fitted(right) - fitted(left)) / (inverse_soft_logit(right) - x0);
    Cut worst{-1, 0};
    for (const double part : {0.25, 0.5, 0.75}) {
      const double at = left + part * (right - left), y = fitted(at);
      const double error = std::abs(fitted(left) + slope * (inverse_soft_logit(at) - x0) - y);
      const double weighed = error / (std::pow(y * (1 - y), 0.75) + 1e-4);
      if (weighed > worst.error) worst = {weighed, at};
    }
    return worst;
  };
  std::vector<double> u{soft_logit(lowest), soft_logit(1)};
  while (u.size() + 1 < ConfidenceMap::max_knots) {
    Cut worst{-1, 0};
    std::size_t segment = 0;
    for (std::size_t i = 0; i + 1 < u.size(); ++i) {
      const Cut cut = worst_cut(u[i], u[i + 1]);
      if (cut.error > worst.error) {
        worst = cut;
        segment = i;
      }
    }
    u.insert(u.begin() + static_cast<std::ptrdiff_t>(segment) + 1, worst.at);
  }
  KnotList knots;
  knots.add(0, fitted(soft_logit(0)));
  for (std::size_t i = 0; i + 1 < u.size(); ++i) knots.add(inverse_soft_logit(u[i]), fitted(u[i]));
  return knots.end(fitted(u.back()));
}

/// Bins of equal numbers of rows; each one's share of right rows is mixed with kBinPriorRows rows
/// of the sigmoid; neighbours that would fall are pooled (Ayer et al., Annals of Mathematical
/// Statistics 26, 1955).
ConfidenceMap isotonic_map(std::span<const JudgedRow> rows) {
  struct Bin {
    double weight, confidence, share;
  };
  const ConfidenceMap base = sigmoid_map(rows);
  std::vector<JudgedRow> sorted(rows.begin(), rows.end());
  std::stable_sort(sorted.begin(), sorted.end(), [](const JudgedRow& a, const JudgedRow& b) {
    return a.confidence < b.confidence;
  });
  const std::size_t bins = std::clamp<std::size_t>(sorted.size() / kRowsPerBin, 1, kMaxBins);
  std::vector<Bin> pooled;
  for (std::size_t first = 0, bin = 0; first < sorted.size(); ++bin) {
    std::size_t end = std::max((bin + 1) * sorted.size() / bins, first + 1);
    while (end < sorted.size() && sorted[end].confidence == sorted[end - 1].confidence)
      ++end;  // no tie is cut
    double confidence = 0, right = 0, prior = 0;
    for (std::size_t i = first; i < end; ++i) {
      confidence += static_cast<double>(sorted[i].confidence);
      right += sorted[i].right ? 1 : 0;
      prior += static_cast<double>(base(sorted[i].confidence));
    }
    const auto count = static_cast<double>(end - first);
    const double weight = count + kBinPriorRows;
    pooled.push_back(
        {weight, confidence / count, (right + kBinPriorRows * prior / count) / weight});
    while (pooled.size() > 1 && pooled[pooled.size() - 2].share >= pooled.back().share) {
      const Bin last = pooled.back();
      pooled.pop_back();
      Bin& to = pooled.back();
      const double sum = to.weight + last.weight;
      to.confidence = (to.weight * to.confidence + last.weight * last.confidence) / sum;
      to.share = (to.weight * to.share + last.weight * last.share) / sum;
      to.weight = sum;
    }
    first = end;
  }
  KnotList knots;
  knots.add(0, 0);
  for (const Bin& bin : pooled) knots.add(bin.confidence, bin.share);
  const Bin& top = pooled.back();
  return knots.end(static_cast<float>(top.confidence) >= 1 ? top.share : (1 + top.share) / 2);
}

/// The log loss of each row by a map that was fitted without the row's fold.
std::vector<double> cross_validated(ConfidenceFit fit, std::span<const JudgedRow> rows) {
  std::vector<double> losses(rows.size());
  for (int fold = 0; fold < kCalibrationFolds; ++fold) {
    std::vector<JudgedRow> others;
    std::copy_if(rows.begin(), rows.end(), std::back_inserter(others),
                 [&](const JudgedRow& r) { return r.fold != fold; });
    const ConfidenceMap map = fit_confidence_map(fit, others);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (rows[i].fold == fold)
        losses[i] = log_loss(static_cast<double>(map(rows[i].confidence)), rows[i].right);
    }
  }
  return losses;
}

/// Whether the mean of better is lower than that of losses by more than the standard error of the
/// difference.
bool clearly_lower(const std::vector<double>& better, const std::vector<double>& losses) {
  const auto count = static_cast<double>(losses.size());
  double sum = 0, squares = 0;
  for (std::size_t i = 0; i < losses.size(); ++i) {
    const double gain = losses[i] - better[i];
    sum += gain;
    squares += gain * gain;
  }
  const double mean = sum / count, variance = std::max(squares / count - mean * mean, 0.0);
  return mean > std::sqrt(variance / count);
}

}  // namespace

ConfidenceMap fit_confidence_map(ConfidenceFit fit, std::span<const JudgedRow> rows) {
  if (rows.empty() || fit == ConfidenceFit::temperature) return {};
  return fit == ConfidenceFit::isotonic ? isotonic_map(rows) : sigmoid_map(rows);
}

ConfidenceFit choose_confidence_fit(std::span<const JudgedRow> rows) {
  ConfidenceFit best = ConfidenceFit::temperature;
  if (rows.size() < kRowsToCompare) return best;
  std::vector<double> losses = cross_validated(best, rows);
  for (const ConfidenceFit fit : {ConfidenceFit::sigmoid, ConfidenceFit::isotonic}) {
    if (fit == ConfidenceFit::isotonic && rows.size() < 2 * kRowsPerBin) break;
    std::vector<double> candidate = cross_validated(fit, rows);
    if (!clearly_lower(candidate, losses)) continue;
    best = fit;
    losses = std::move(candidate);
  }
  return best;
}

}  // namespace sidenet
