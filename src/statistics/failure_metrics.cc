#include "failure_metrics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <string>

#include "random.h"
#include "sidenet/error.h"

namespace sidenet {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

void check_confidences(std::span<const float> confidence) {
  for (std::size_t i = 0; i < confidence.size(); ++i) {
    if (!(confidence[i] >= 0 && confidence[i] <= 1)) {
      throw Error("metrics: confidence of row " + std::to_string(i) + ": expected 0 to 1, got " +
                  std::to_string(confidence[i]));
    }
  }
}

void check(std::span<const float> confidence, std::span<const std::uint8_t> right) {
  if (confidence.size() != right.size()) {
    throw Error("metrics: " + std::to_string(confidence.size()) + " confidences for " +
                std::to_string(right.size()) + " answers");
  }
  check_confidences(confidence);
}

/// ((m - 1) / M, m / M], as CalibrationBins has it.
std::size_t bin_of(double confidence) {
  constexpr int bins = CalibrationBins::bins;
  return confidence > 0 ? static_cast<std::size_t>(
                              std::min(static_cast<int>(std::ceil(confidence * bins)), bins) - 1)
                        : 0;
}

}  // namespace

double auroc(std::span<const float> confidence, std::span<const std::uint8_t> right) {
  check(confidence, right);
  std::vector<std::size_t> order(confidence.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return confidence[a] < confidence[b]; });
  double wins = 0, wrong_below = 0, all_right = 0;
  for (std::size_t first = 0; first < order.size();) {
    double tied_right = 0, tied_wrong = 0;
    std::size_t i = first;
    for (; i < order.size() && confidence[order[i]] == confidence[order[first]]; ++i) {
      (right[order[i]] ? tied_right : tied_wrong) += 1;
    }
    wins += tied_right * (wrong_below + tied_wrong / 2);
    wrong_below += tied_wrong;
    all_right += tied_right;
    first = i;
  }
  return all_right > 0 && wrong_below > 0 ? wins / (all_right * wrong_below) : kNone;
}

std::array<ReliabilityBin, CalibrationBins::bins> reliability(std::span<const float> confidence,
                                                              std::span<const std::uint8_t> right) {
  check(confidence, right);
  std::array<ReliabilityBin, CalibrationBins::bins> bins{};
  for (std::size_t i = 0; i < confidence.size(); ++i) {
    ReliabilityBin& bin = bins[bin_of(static_cast<double>(confidence[i]))];
    ++bin.rows;
    bin.confidence += static_cast<double>(confidence[i]);
    bin.accuracy += right[i] ? 1 : 0;
  }
  for (ReliabilityBin& bin : bins) {
    bin.confidence = bin.rows > 0 ? bin.confidence / static_cast<double>(bin.rows) : kNone;
    bin.accuracy = bin.rows > 0 ? bin.accuracy / static_cast<double>(bin.rows) : kNone;
  }
  return bins;
}

TopLabelScores top_label_scores(std::span<const float> confidence,
                                std::span<const std::uint8_t> right) {
  TopLabelScores scores;
  scores.auroc = auroc(confidence, right);
  CalibrationBins bins;
  for (std::size_t i = 0; i < confidence.size(); ++i) {
    const double p = static_cast<double>(confidence[i]);
    bins.add(p, right[i] != 0);
    scores.accuracy += right[i] ? 1 : 0;
    scores.confidence += p;
    scores.nll -= std::log(std::max(right[i] ? p : 1 - p, 0x1p-24));
    scores.brier += (p - (right[i] ? 1 : 0)) * (p - (right[i] ? 1 : 0));
  }
  scores.rows = bins.rows();
  scores.ece = bins.ece();
  const double rows = scores.rows > 0 ? static_cast<double>(scores.rows) : kNone;
  for (double* mean : {&scores.accuracy, &scores.confidence, &scores.nll, &scores.brier})
    *mean /= rows;
  return scores;
}

EceFloor ece_floor(std::span<const float> confidence, int draws, std::uint64_t seed) {
  check_confidences(confidence);
  if (draws < 1) throw Error("metrics: draws: expected at least 1, got " + std::to_string(draws));
  if (confidence.empty()) return {kNone, kNone};
  std::vector<double> eces;
  for (int draw = 0; draw < draws; ++draw) {
    Random random(seed, static_cast<std::uint64_t>(draw));
    CalibrationBins bins;
    for (const float p : confidence)
      bins.add(static_cast<double>(p), random.uniform() < static_cast<double>(p));
    eces.push_back(bins.ece());
  }
  std::sort(eces.begin(), eces.end());
  const auto at95 = static_cast<std::size_t>(std::ceil(0.95 * draws)) - 1;
  return {std::accumulate(eces.begin(), eces.end(), 0.0) / draws, eces[at95]};
}

Overthinking overthinking(std::span<const int> exit_prediction,
                          std::span<const int> mainnet_prediction, std::span<const int> labels) {
  if (exit_prediction.size() != labels.size() || mainnet_prediction.size() != labels.size()) {
    throw Error("metrics: " + std::to_string(exit_prediction.size()) + " answers of an exit and " +
                std::to_string(mainnet_prediction.size()) + " of MainNet for " +
                std::to_string(labels.size()) + " labels");
  }
  Overthinking counts;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const bool exit = exit_prediction[i] == labels[i], mainnet = mainnet_prediction[i] == labels[i];
    ++(exit ? (mainnet ? counts.both_right : counts.exit_only)
            : (mainnet ? counts.mainnet_only : counts.both_wrong));
  }
  return counts;
}

}  // namespace sidenet
