// Do certificates keep their promise, and confidences tell the truth? On real scores, resampled:
//
//   promises MODEL DATA [THRESHOLD [ROWS [DRAWS [EPSILON [DELTA]]]]]
//
// Certificates: DRAWS (500) times ROWS (half of the data) rows are drawn with replacement from DATA, certified at EPSILON
// (0.01) and DELTA (0.1), and judged on all of DATA, which is the distribution then: how many broke the promise, what the
// thresholds save there, and what the best common threshold that keeps epsilon there saves. Confidences: fitted on a half
// (all of its rows; those that reach the exit), ECE on such rows of the other, means of 6 seeds x 2 halves; rows reach an
// exit where every exit before it stays below THRESHOLD (0.9).
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <numeric>

#include "exit_calibrations.h"
#include "failure_metrics.h"
#include "operating_point.h"
#include "random.h"
#include "risk_control.h"
#include "sidenet/sidenet.h"
#include "threshold_search.h"

namespace {

using namespace sidenet;
using Rows = std::vector<std::uint32_t>;

double largest_exit_error(const ExitScores& scores, const std::vector<double>& thresholds) {
  std::vector<double> wrong(scores.exits()), answered(scores.exits());
  const std::vector<std::uint8_t> exits = answering_exits(scores, thresholds, all_rows(scores));
  for (std::size_t row = 0; row < exits.size(); ++row) {
    answered[exits[row]] += 1;
    wrong[exits[row]] += scores.prediction[exits[row]][row] != scores.labels[row];
  }
  double largest = 0;
  for (std::size_t exit = 0; exit + 1 < scores.exits(); ++exit) {
    if (answered[exit] > 0) largest = std::max(largest, wrong[exit] / answered[exit]);
  }
  return largest;
}

double risk_of(const ExitScores& scores, const OperatingPoint& point, Risk risk, double mainnet_accuracy) {
  if (risk == Risk::drop) return mainnet_accuracy - point.accuracy;
  return risk == Risk::disagreement ? 1 - point.agreement : largest_exit_error(scores, point.thresholds);
}

void try_promises(const ExitScores& scores, std::size_t rows, int draws, CertifyOptions options) {
  const std::vector<OperatingPoint> curve = uniform_curve(scores, all_rows(scores));
  const double mainnet_accuracy = curve.front().accuracy;
  std::printf("%d draws of %zu rows, epsilon %g, delta %g\n", draws, rows, options.epsilon, options.delta);
  std::printf("%-14s %10s %10s %10s %10s\n", "risk", "certified", "broken", "saved", "oracle");
  for (const Risk risk : {Risk::drop, Risk::disagreement, Risk::exit_error}) {
    options.risk = risk;
    int certified = 0, broken = 0;
    double saved = 0, oracle = 0;
    for (const OperatingPoint& point : curve) {
      if (risk_of(scores, point, risk, mainnet_accuracy) <= options.epsilon) oracle = std::max(oracle, 1 - point.compute);
    }
    for (int draw = 0; draw < draws; ++draw) {
      Random random(static_cast<std::uint64_t>(draw) + 1);
      Rows sample(rows);
      for (std::uint32_t& row : sample) row = static_cast<std::uint32_t>(random.below(scores.rows()));
      options.seed = static_cast<std::uint64_t>(draw);
      const CertifyResult result = certify(scores, sample, options);
      if (!result.certified) continue;
      const OperatingPoint point = operate(scores, result.thresholds);
      ++certified;
      broken += risk_of(scores, point, risk, mainnet_accuracy) > options.epsilon ? 1 : 0;
      saved += 1 - point.compute;
    }
    std::printf("%-14s %9.1f%% %9.1f%% %9.1f%% %9.1f%%\n", risk_name(risk), 100.0 * certified / draws,
                100.0 * broken / draws, 100 * saved / draws, 100 * oracle);
  }
}

struct Ece {
  double rows = 0, before = 0, after = 0, floor = 0;
  void add(const ExitScores& old, const ExitScores& now, std::size_t exit, const Rows& at) {
    std::vector<float> confidence, raw;
    std::vector<std::uint8_t> right;
    for (const std::uint32_t row : at) {
      raw.push_back(old.confidence[exit][row]);
      confidence.push_back(now.confidence[exit][row]);
      right.push_back(now.prediction[exit][row] == now.labels[row] ? 1 : 0);
    }
    rows += static_cast<double>(at.size());
    if (at.empty()) return;
    before += top_label_scores(raw, right).ece;
    after += top_label_scores(confidence, right).ece;
    floor += ece_floor(confidence, 30, 1).mean;
  }
};

void try_confidences(const MeasuredExits& measured, double threshold) {
  const std::size_t exits = measured.names.size();
  std::vector<Ece> all(exits), reached(exits);
  const std::vector<double> thresholds(exits, threshold);
  constexpr int seeds = 6;
  for (int seed = 1; seed <= seeds; ++seed) {
    Rows order(measured.labels.size());
    std::iota(order.begin(), order.end(), 0u);
    Random random(static_cast<std::uint64_t>(seed));
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
    const auto middle = order.begin() + static_cast<std::ptrdiff_t>(order.size() / 2);
    Rows halves[2] = {{order.begin(), middle}, {middle, order.end()}};
    for (int side = 0; side < 2; ++side) {
      const MeasuredExits fitting = take_rows(measured, halves[side]), testing = take_rows(measured, halves[1 - side]);
      const auto fit = [&](const std::vector<double>& at) { return fit_calibrations(fitting.logits, fitting.labels, at); };
      const std::vector<Calibration> of_all = fit(std::vector<double>(exits, kShut)), of_reaching = fit(thresholds);
      const ExitScores old = scores_of(testing, std::vector<Calibration>(exits)), everywhere = scores_of(testing, of_all),
                       now = scores_of(testing, of_reaching);
      const auto reach = rows_that_reach(testing.logits, of_reaching, thresholds);
      for (std::size_t exit = 0; exit < exits; ++exit) {
        all[exit].add(old, everywhere, exit, all_rows(now));
        reached[exit].add(old, now, exit, reach[exit]);
      }
    }
  }
  std::printf("\nECE on the half that did not fit: at temperature 1, calibrated, floor\n%-20s %8s %26s %8s %26s\n", "exit",
              "rows", "all rows", "reach", "rows that reach");
  for (std::size_t exit = 0; exit < exits; ++exit) {
    const double n = 2 * seeds;
    const Ece &a = all[exit], &r = reached[exit];
    std::printf("%-20s %8.0f %8.4f %8.4f %8.4f %8.0f %8.4f %8.4f %8.4f\n", measured.names[exit].c_str(), a.rows / n,
                a.before / n, a.after / n, a.floor / n, r.rows / n, r.before / n, r.after / n, r.floor / n);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3 || argc > 8) {
    std::fprintf(stderr, "usage: %s MODEL DATA [THRESHOLD [ROWS [DRAWS [EPSILON [DELTA]]]]]\n", argv[0]);
    return 2;
  }
  const auto argument = [&](int index, double fallback) { return argc > index ? std::atof(argv[index]) : fallback; };
  try {
    const Model model = Model::load(argv[1]);
    const auto data = Dataset::open(argv[2]);
    const MeasuredExits measured = measure_exits(model, *data, {.batch = 32});
    const ExitScores scores = scores_of(measured, calibrations_of(*model.data()));
    const auto rows = static_cast<std::size_t>(argument(4, static_cast<double>(scores.rows() / 2)));
    CertifyOptions options;
    options.epsilon = argument(6, 0.01);
    options.delta = argument(7, 0.1);
    try_promises(scores, rows, static_cast<int>(argument(5, 500)), options);
    try_confidences(measured, argument(3, 0.9));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
