#include "threshold_descent.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "operating_point.h"

namespace sidenet {

ThresholdDescent::ThresholdDescent(const ExitScores& scores, std::span<const std::uint32_t> rows,
                                   Costs costs, bool labels)
    : rows_(rows.size()),
      costs_(std::move(costs)),
      weight_(rows.size(), 1.0f),
      earliest_(rows.size()),
      onward_(rows.size()) {
  const std::size_t exits = scores.exits();
  const std::vector<int>& mainnet = scores.prediction.back();
  for (std::size_t k = 0; k < exits; ++k) {
    std::vector<float> confidence(rows_), loss(rows_);
    for (std::size_t i = 0; i < rows_; ++i) {
      const std::uint32_t row = rows[i];
      const int answer = scores.prediction[k][row];
      const float disagrees = answer == mainnet[row] ? 0.0f : 1.0f;
      const float wrong = answer == scores.labels[row] ? 0.0f : 1.0f;
      confidence[i] = scores.confidence[k][row];
      loss[i] = labels ? 0.5f * (disagrees + wrong) : disagrees;
    }
    if (k + 1 < exits) {
      std::vector<std::uint32_t>& order = order_.emplace_back(rows_);
      std::iota(order.begin(), order.end(), 0u);
      std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
        return confidence[a] > confidence[b];
      });
    }
    confidence_.push_back(std::move(confidence));
    loss_.push_back(std::move(loss));
  }
  if (scores.weight.empty()) return;
  for (std::size_t i = 0; i < rows_; ++i) weight_[i] = scores.weight[rows[i]];
}

ThresholdDescent::Means ThresholdDescent::evaluate(std::span<const double> thresholds) const {
  Means sum;
  std::vector<std::uint32_t> staying(rows_);
  std::iota(staying.begin(), staying.end(), 0u);
  double spent = 0;
  for (std::size_t k = 0; k < confidence_.size(); ++k) {
    spent += costs_.segments[k];
    const bool final = k == thresholds.size();
    if (!final && thresholds[k] > 1) continue;
    spent += costs_.heads[k];
    std::size_t kept = 0;
    for (const std::uint32_t i : staying) {
      if (final || static_cast<double>(confidence_[k][i]) >= thresholds[k]) {
        sum.loss += static_cast<double>(loss_[k][i]);
        sum.cost += spent * static_cast<double>(weight_[i]);
      } else {
        staying[kept++] = i;
      }
    }
    staying.resize(kept);
  }
  const auto count = static_cast<double>(rows_);
  return {sum.loss / count, sum.cost / count};
}

double ThresholdDescent::best_threshold(std::size_t exit, double price) const {
  const std::vector<std::uint32_t>& order = order_[exit];
  const std::vector<float>& confidence = confidence_[exit];
  double change = 0, least = 0, weight = 0, best = kShut;
  for (std::size_t j = 0; j < order.size(); ++j) {
    const std::uint32_t i = order[j];
    if (earliest_[i] >= exit) {
      change += static_cast<double>(loss_[exit][i]) - onward_[i];
      weight += static_cast<double>(weight_[i]);
    }
    const float next = j + 1 < order.size() ? confidence[order[j + 1]] : confidence[i];
    const bool last = j + 1 == order.size();
    if (change < least && (last || next < confidence[i])) {
      least = change;
      best = last ? static_cast<double>(next)
                  : 0.5 * (static_cast<double>(next) + static_cast<double>(confidence[i]));
    }
  }
  return least + price * costs_.heads[exit] * weight < 0 ? best : kShut;
}

void ThresholdDescent::sweep(std::vector<double>& thresholds, double price) {
  const std::size_t exits = thresholds.size();
  std::fill(earliest_.begin(), earliest_.end(), static_cast<std::uint8_t>(exits));
  for (std::size_t k = exits; k-- > 0;) {
    for (std::size_t i = 0; i < rows_; ++i) {
      if (static_cast<double>(confidence_[k][i]) >= thresholds[k])
        earliest_[i] = static_cast<std::uint8_t>(k);
    }
  }
  const auto pay = [&](std::size_t i, double cost) {
    return price * cost * static_cast<double>(weight_[i]);
  };
  for (std::size_t i = 0; i < rows_; ++i) {
    onward_[i] =
        static_cast<double>(loss_[exits][i]) + pay(i, costs_.segments[exits] + costs_.heads[exits]);
  }
  for (std::size_t k = exits; k-- > 0;) {
    thresholds[k] = best_threshold(k, price);
    const bool open = thresholds[k] <= 1;
    for (std::size_t i = 0; i < rows_; ++i) {
      if (static_cast<double>(confidence_[k][i]) >= thresholds[k])
        onward_[i] = static_cast<double>(loss_[k][i]);
      onward_[i] += pay(i, costs_.segments[k] + (open ? costs_.heads[k] : 0));
    }
  }
}

double ThresholdDescent::descend(std::vector<double>& thresholds, double price) {
  constexpr int most_sweeps = 10;
  Means means = evaluate(thresholds);
  double least = means.loss + price * means.cost;
  for (int i = 0; i < most_sweeps; ++i) {
    std::vector<double> next = thresholds;
    sweep(next, price);
    means = evaluate(next);
    const double value = means.loss + price * means.cost;
    if (!(value < least - 1e-12)) break;
    least = value;
    thresholds = std::move(next);
  }
  return least;
}

}  // namespace sidenet
