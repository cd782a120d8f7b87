#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "calibrate_measured.h"
#include "exit_calibrations.h"
#include "model_data.h"
#include "operating_point.h"
#include "random.h"

// Do certificates keep their promise where rows repeat? Populations with weights, drawn from with
// replacement, and judged on themselves. Everything between a draw and its certificate is what
// `sidenet calibrate` does once exits have been run.
namespace sidenet::testing {

struct Population {
  MeasuredExits rows;
  std::vector<double> weight;  ///< one a row, sum 1

  /// `count` rows, drawn independently.
  MeasuredExits draw(std::size_t count, Random& random) const {
    std::vector<double> ends(weight.size());
    std::partial_sum(weight.begin(), weight.end(), ends.begin());
    std::vector<std::uint32_t> drawn(count);
    for (std::uint32_t& row : drawn) {
      const auto at =
          std::upper_bound(ends.begin(), ends.end(), random.uniform() * ends.back()) - ends.begin();
      row = static_cast<std::uint32_t>(
          std::min<std::ptrdiff_t>(at, static_cast<std::ptrdiff_t>(ends.size()) - 1));
    }
    return take_rows(rows, drawn);
  }
};

inline std::vector<double> equal_weights(std::size_t rows) {
  return std::vector<double>(rows, 1 / static_cast<double>(rows));
}

/// Row k of a random order has a weight of 1 / (k + 1)^exponent.
inline std::vector<double> zipf_weights(std::size_t rows, double exponent, std::uint64_t seed) {
  std::vector<std::size_t> order(rows);
  std::iota(order.begin(), order.end(), std::size_t{0});
  Random random(seed);
  for (std::size_t i = rows; i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  std::vector<double> weight(rows);
  double sum = 0;
  for (std::size_t k = 0; k < rows; ++k)
    sum += weight[order[k]] = std::pow(static_cast<double>(k + 1), -exponent);
  for (double& value : weight) value /= sum;
  return weight;
}

/// One row is `share` of the traffic, the others the rest.
inline std::vector<double> atom_weights(std::size_t rows, std::size_t atom, double share) {
  std::vector<double> weight(rows, (1 - share) / static_cast<double>(rows - 1));
  weight[atom] = share;
  return weight;
}

/// The row that an exit is surest of among those that it alone gets wrong: the worst that can
/// repeat.
inline std::size_t worst_row(const ExitScores& scores) {
  std::size_t worst = 0;
  float surest = -1;
  for (std::size_t row = 0; row < scores.rows(); ++row) {
    const bool wrong = scores.prediction[0][row] != scores.labels[row] &&
                       scores.prediction.back()[row] == scores.labels[row];
    if (!wrong || scores.confidence[0][row] <= surest) continue;
    surest = scores.confidence[0][row];
    worst = row;
  }
  return worst;
}

/// What thresholds do to a whole population.
struct Judged {
  double drop = 0, disagreement = 0, exit_error = 0, saved = 0;
  double risk(Risk which) const {
    return which == Risk::drop ? drop : which == Risk::disagreement ? disagreement : exit_error;
  }
};

inline Judged judge(const Population& population, const ExitScores& scores,
                    const std::vector<double>& thresholds) {
  const std::vector<std::uint8_t> exits = answering_exits(scores, thresholds, all_rows(scores));
  std::vector<double> wrong(scores.exits()), answered(scores.exits()), cost(scores.exits());
  double spent = 0;
  for (std::size_t exit = 0; exit < scores.exits(); ++exit) {
    spent += scores.segment_compute[exit];
    if (exit == thresholds.size() || thresholds[exit] <= 1) spent += scores.head_compute[exit];
    cost[exit] = spent;
  }
  const double mainnet =
      std::accumulate(scores.segment_compute.begin(), scores.segment_compute.end(), 0.0);
  Judged judged;
  double compute = 0, alone = 0;
  for (std::size_t row = 0; row < scores.rows(); ++row) {
    const double weight = population.weight[row];
    const double size = scores.weight.empty() ? 1.0 : static_cast<double>(scores.weight[row]);
    const int answer = scores.prediction[exits[row]][row], own = scores.prediction.back()[row],
              label = scores.labels[row];
    judged.drop += weight * ((own == label ? 1 : 0) - (answer == label ? 1 : 0));
    judged.disagreement += answer != own ? weight : 0;
    wrong[exits[row]] += answer != label ? weight : 0;
    answered[exits[row]] += weight;
    compute += weight * size * cost[exits[row]];
    alone += weight * size * mainnet;
  }
  for (std::size_t exit = 0; exit + 1 < scores.exits(); ++exit) {
    if (answered[exit] > 0 && thresholds[exit] <= 1)
      judged.exit_error = std::max(judged.exit_error, wrong[exit] / answered[exit]);
  }
  judged.saved = 1 - compute / alone;
  return judged;
}

/// The most that one common threshold saves of those that keep epsilon on the population itself.
inline double most_saved(const Population& population, const ExitScores& scores,
                         const std::vector<double>& grid, Risk risk, double epsilon) {
  double most = 0;
  for (const double threshold : grid) {
    const Judged judged =
        judge(population, scores, std::vector<double>(scores.exits() - 1, threshold));
    if (judged.risk(risk) <= epsilon) most = std::max(most, judged.saved);
  }
  return most;
}

struct Outcome {
  int draws = 0, certified = 0, broken = 0;
  double saved = 0;  ///< mean over draws, 0 where nothing was certified
};

/// Calibrates on `draws` sets of `rows` rows, with `unlabelled` others, and judges each
/// certificate.
inline Outcome try_promises(const Model& model, const Population& population, std::size_t rows,
                            std::size_t unlabelled, int draws, CalibrateOptions options,
                            std::uint64_t seed = 1) {
  Outcome outcome;
  outcome.draws = draws;
  for (int draw = 0; draw < draws; ++draw) {
    Random random(seed, static_cast<std::uint64_t>(draw));
    options.seed = static_cast<std::uint64_t>(draw) + 1;
    const MeasuredExits labelled = population.draw(rows, random);
    MeasuredExits others;
    if (unlabelled > 0) {
      others = population.draw(unlabelled, random);
      std::fill(others.labels.begin(), others.labels.end(), -1);
    }
    const CalibrateResult result =
        calibrate_measured(model, labelled, unlabelled > 0 ? &others : nullptr, options);
    if (!result.certificate) continue;
    const ModelData& data = data_of(result.model);
    const Judged judged =
        judge(population, scores_of(population.rows, calibrations_of(data)), thresholds_of(data));
    ++outcome.certified;
    outcome.broken += judged.risk(options.risk) > *options.epsilon + 1e-12 ? 1 : 0;
    outcome.saved += judged.saved / draws;
  }
  return outcome;
}

}  // namespace sidenet::testing
