#include "operating_point.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>

#include "sidenet/error.h"

namespace sidenet {
namespace {

void expect_count(const std::string& what, std::size_t got, std::size_t expected) {
  if (got != expected) {
    throw Error("exit scores: " + what + ": expected " + std::to_string(expected) + ", got " +
                std::to_string(got));
  }
}

template <typename Number>
void expect_range(const std::string& what, const std::vector<Number>& values, double most) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto value = static_cast<double>(values[i]);
    if (value >= 0 && value <= most) continue;
    const std::string range = most == 1 ? "0 to 1" : "a finite number, 0 or more";
    throw Error("exit scores: " + what + "[" + std::to_string(i) + "]: expected " + range +
                ", got " + std::to_string(value));
  }
}

/// Cost of a row of weight 1 that is answered at each exit.
std::vector<double> cost_to_answer(const std::vector<double>& segments,
                                   const std::vector<double>& heads,
                                   std::span<const double> thresholds) {
  std::vector<double> costs;
  double spent = 0;
  for (std::size_t k = 0; k < segments.size(); ++k) {
    spent += segments[k];
    if (k == thresholds.size() || thresholds[k] <= 1) spent += heads[k];
    costs.push_back(spent);
  }
  return costs;
}

}  // namespace

void check_scores(const ExitScores& scores) {
  const std::size_t exits = scores.exits(), rows = scores.rows();
  if (exits < 2)
    throw Error("exit scores: expected an exit and final, got " + std::to_string(exits) +
                " in all");
  expect_count("lists of confidences", scores.confidence.size(), exits);
  expect_count("lists of predictions", scores.prediction.size(), exits);
  expect_count("segments' compute", scores.segment_compute.size(), exits);
  expect_count("SideNets' compute", scores.head_compute.size(), exits);
  const bool timed = !scores.segment_ms.empty() || !scores.head_ms.empty();
  if (timed) {
    expect_count("segments' ms", scores.segment_ms.size(), exits);
    expect_count("SideNets' ms", scores.head_ms.size(), exits);
  }
  if (!scores.weight.empty()) expect_count("weights", scores.weight.size(), rows);
  for (std::size_t k = 0; k < exits; ++k) {
    expect_count("confidences of " + scores.names[k], scores.confidence[k].size(), rows);
    expect_count("predictions of " + scores.names[k], scores.prediction[k].size(), rows);
    expect_range("confidence of " + scores.names[k], scores.confidence[k], 1);
  }
  const double finite = std::numeric_limits<double>::max();
  expect_range("segment_compute", scores.segment_compute, finite);
  expect_range("head_compute", scores.head_compute, finite);
  expect_range("segment_ms", scores.segment_ms, finite);
  expect_range("head_ms", scores.head_ms, finite);
  expect_range("weight", scores.weight, finite);
  if (!(std::accumulate(scores.segment_compute.begin(), scores.segment_compute.end(), 0.0) > 0)) {
    throw Error("exit scores: segment_compute: expected a positive sum, got 0");
  }
  if (!scores.weight.empty() &&
      !(std::accumulate(scores.weight.begin(), scores.weight.end(), 0.0) > 0)) {
    throw Error("exit scores: weight: expected a positive sum, got 0");
  }
}

std::vector<std::uint32_t> all_rows(const ExitScores& scores) {
  std::vector<std::uint32_t> rows(scores.rows());
  std::iota(rows.begin(), rows.end(), 0u);
  return rows;
}

std::vector<std::uint8_t> answering_exits(const ExitScores& scores,
                                          std::span<const double> thresholds,
                                          std::span<const std::uint32_t> rows) {
  const std::size_t exits = thresholds.size();
  expect_count("thresholds", exits, scores.exits() - 1);
  if (exits > std::numeric_limits<std::uint8_t>::max())
    throw Error("exit scores: expected at most 255 exits, got " + std::to_string(exits));
  for (std::size_t k = 0; k < exits; ++k) {
    if (std::isnan(thresholds[k]))
      throw Error("exit scores: threshold of " + scores.names[k] + ": expected a number, got NaN");
  }
  std::vector<std::uint8_t> answers(rows.size(), static_cast<std::uint8_t>(exits));
  std::vector<std::uint32_t> staying(rows.size());  // positions in `rows`
  std::iota(staying.begin(), staying.end(), 0u);
  for (std::size_t k = 0; k < exits; ++k) {
    if (thresholds[k] > 1) continue;
    const float* confidence = scores.confidence[k].data();
    std::size_t kept = 0;
    for (const std::uint32_t i : staying) {
      const bool leaves = static_cast<double>(confidence[rows[i]]) >= thresholds[k];
      if (leaves) answers[i] = static_cast<std::uint8_t>(k);
      staying[kept] = i;
      kept += leaves ? 0 : 1;
    }
    staying.resize(kept);
  }
  return answers;
}

OperatingPoint operate(const ExitScores& scores, std::span<const double> thresholds,
                       std::span<const std::uint32_t> rows) {
  if (rows.empty()) throw Error("exit scores: expected rows, got none");
  const std::vector<std::uint8_t> answers = answering_exits(scores, thresholds, rows);
  const std::size_t final = thresholds.size();
  std::vector<double> weight(final + 1, 0.0);  // of the rows that each exit answers
  OperatingPoint point;
  point.thresholds.assign(thresholds.begin(), thresholds.end());
  point.rows.assign(final + 1, 0);
  std::int64_t right = 0, agreed = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::size_t row = rows[i], exit = answers[i];
    const int answer = scores.prediction[exit][row];
    right += answer == scores.labels[row] ? 1 : 0;
    agreed += answer == scores.prediction[final][row] ? 1 : 0;
    ++point.rows[exit];
    weight[exit] += scores.weight.empty() ? 1.0 : static_cast<double>(scores.weight[row]);
  }
  const auto count = static_cast<double>(rows.size());
  point.accuracy = static_cast<double>(right) / count;
  point.agreement = static_cast<double>(agreed) / count;
  const auto total = [&](const std::vector<double>& segments, const std::vector<double>& heads) {
    const std::vector<double> costs = cost_to_answer(segments, heads, thresholds);
    return std::inner_product(weight.begin(), weight.end(), costs.begin(), 0.0);
  };
  const double mainnet =
      std::accumulate(weight.begin(), weight.end(), 0.0) *
      std::accumulate(scores.segment_compute.begin(), scores.segment_compute.end(), 0.0);
  point.compute = total(scores.segment_compute, scores.head_compute) / mainnet;
  point.ms = scores.segment_ms.empty() ? std::numeric_limits<double>::quiet_NaN()
                                       : total(scores.segment_ms, scores.head_ms) / count;
  return point;
}

OperatingPoint operate(const ExitScores& scores, std::span<const double> thresholds) {
  return operate(scores, thresholds, all_rows(scores));
}

}  // namespace sidenet
