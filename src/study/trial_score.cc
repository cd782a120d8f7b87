#include "trial_score.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "calibrator.h"
#include "metrics.h"
#include "p_values.h"

namespace sidenet {
namespace {

constexpr double kLevel = 0.05, kStandardErrors = 2.3;

/// P(at least `heads` of `throws` of a fair coin).
double sign_test(std::int64_t heads, std::int64_t throws) {
  return 1 - binomial_cdf(heads - 1, throws, 0.5);
}

/// A temperature to begin with that grows as the logits do, so that their scale is no merit: the
/// mean distance of a row's largest logit from its mean, over 3.
double scale_of(const std::vector<float>& logits, std::size_t classes) {
  double sum = 0;
  for (std::size_t row = 0; row < logits.size(); row += classes) {
    const auto begin = logits.begin() + static_cast<std::ptrdiff_t>(row),
               end = begin + static_cast<std::ptrdiff_t>(classes);
    sum += *std::max_element(begin, end) -
           std::accumulate(begin, end, 0.0) / static_cast<double>(classes);
  }
  return std::clamp(sum * static_cast<double>(classes) / (3 * static_cast<double>(logits.size())),
                    1e-4, 1e4);
}

}  // namespace

void TrialScore::take(const Answers& answers) {
  const std::int64_t classes = answers.logits.dim(1);
  answers_.insert(answers_.end(), answers.index.begin(), answers.index.end());
  for (std::int64_t row = 0; row < answers.logits.dim(0); ++row) {
    const float* logits = answers.logits.data<float>() + row * classes;
    const bool usable =
        std::all_of(logits, logits + classes, [](float logit) { return std::isfinite(logit); });
    for (std::int64_t i = 0; i < classes; ++i) logits_.push_back(usable ? logits[i] : 0.0f);
  }
}

void TrialScore::judge(std::span<const int> labels, std::size_t classes) {
  const std::vector<int> all(labels.begin(), labels.end());
  std::vector<std::uint32_t> rows(all.size());
  std::iota(rows.begin(), rows.end(), 0u);
  const auto width = static_cast<std::int64_t>(classes);
  const Tensor logits = Tensor::from({static_cast<std::int64_t>(all.size()), width}, logits_);
  const double temperature = fit_temperature(logits, all, rows, scale_of(logits_, classes));
  counts_ = ClassCounts(classes);
  is_right_.clear();
  loss_.clear();
  std::vector<float> p(classes);
  for (std::size_t row = 0; row < all.size(); ++row) {
    counts_.add(all[row], answers_.at(row));
    is_right_.push_back(answers_[row] == all[row] ? 1 : 0);
    const float* of_row = logits.data<float>() + static_cast<std::int64_t>(row) * width;
    loss_.push_back(softmax(of_row, width, temperature, p.data()) -
                    static_cast<double>(of_row[all[row]]) / temperature);
  }
  right_ = std::count(is_right_.begin(), is_right_.end(), 1);
}

double TrialScore::log_loss() const {
  return std::accumulate(loss_.begin(), loss_.end(), 0.0) / static_cast<double>(loss_.size());
}

bool TrialScore::is_before(const TrialScore& other) const {
  return right_ != other.right_ ? right_ > other.right_ : log_loss() < other.log_loss();
}

bool TrialScore::beats(const TrialScore& other) const {
  std::int64_t alone = 0, other_alone = 0;
  double sum = 0, squares = 0;
  for (std::size_t row = 0; row < loss_.size(); ++row) {
    alone += is_right_[row] > other.is_right_[row] ? 1 : 0;
    other_alone += is_right_[row] < other.is_right_[row] ? 1 : 0;
    const double gain = other.loss_[row] - loss_[row];
    sum += gain;
    squares += gain * gain;
  }
  const std::int64_t differ = alone + other_alone;
  if (sign_test(alone, differ) < kLevel) return true;
  if (sign_test(other_alone, differ) < kLevel) return false;
  const auto rows = static_cast<double>(loss_.size());
  const double error = std::sqrt(std::max(squares - sum * sum / rows, 0.0));
  return sum > kStandardErrors * error;
}

}  // namespace sidenet
