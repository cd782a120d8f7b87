#include "sidenet/sweep.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "checked.h"
#include "data_warnings.h"
#include "exit_calibrations.h"
#include "failure_metrics.h"
#include "measure_exits.h"
#include "model_data.h"
#include "operating_point.h"
#include "sidenet/error.h"
#include "threshold_search.h"

namespace sidenet {
namespace {

/// An exit's confidence in each row, and whether its answer is right.
struct Judged {
  std::vector<float> confidence;
  std::vector<std::uint8_t> right;
  Judged at(const std::vector<std::uint32_t>& rows) const {
    Judged part;
    for (const std::uint32_t row : rows) {
      part.confidence.push_back(confidence[row]);
      part.right.push_back(right[row]);
    }
    return part;
  }
};

Judged judge(const ExitScores& scores, std::size_t exit) {
  Judged judged{scores.confidence[exit], {}};
  for (std::size_t row = 0; row < scores.rows(); ++row)
    judged.right.push_back(scores.prediction[exit][row] == scores.labels[row] ? 1 : 0);
  return judged;
}

Trust trust_of(const Judged& judged) {
  const TopLabelScores s = top_label_scores(judged.confidence, judged.right);
  return {s.rows, s.accuracy, s.ece, s.brier, s.nll, s.auroc};
}

std::vector<ReliabilityBar> bars_of(const Judged& judged) {
  std::vector<ReliabilityBar> bars;
  for (const ReliabilityBin& bin : reliability(judged.confidence, judged.right))
    bars.push_back({bin.rows, bin.confidence, bin.accuracy});
  return bars;
}

/// The mean over exits of the confidence in a right answer, less that in a wrong one.
std::vector<double> ease_of_rows(const ExitScores& scores) {
  std::vector<double> ease(scores.rows());
  for (std::size_t exit = 0; exit < scores.exits(); ++exit) {
    for (std::size_t row = 0; row < ease.size(); ++row) {
      const double confidence = scores.confidence[exit][row];
      ease[row] += scores.prediction[exit][row] == scores.labels[row] ? confidence : -confidence;
    }
  }
  return ease;
}

/// The first `count` rows in this order, of one class no more than its share rounded up.
std::vector<std::int64_t> pick(const std::vector<std::int64_t>& order,
                               const std::vector<int>& labels, int count) {
  const auto classes = static_cast<int>(std::set<int>(labels.begin(), labels.end()).size());
  const int most = classes > 0 ? (count + classes - 1) / classes : count;
  std::map<int, int> taken;
  std::vector<std::int64_t> rows;
  for (const std::int64_t row : order) {
    if (static_cast<int>(rows.size()) == count) break;
    if (taken[labels[static_cast<std::size_t>(row)]]++ < most) rows.push_back(row);
  }
  return rows;
}

void name_examples(int count, Sweep& sweep) {
  const std::vector<double> ease = ease_of_rows(sweep.scores);
  std::vector<std::int64_t> order(ease.size());
  std::iota(order.begin(), order.end(), 0);
  const auto easier = [&](std::int64_t a, std::int64_t b) {
    return ease[static_cast<std::size_t>(a)] > ease[static_cast<std::size_t>(b)];
  };
  std::stable_sort(order.begin(), order.end(), easier);
  sweep.easiest = pick(order, sweep.scores.labels, count);
  std::reverse(order.begin(), order.end());
  sweep.hardest = pick(order, sweep.scores.labels, count);
}

}  // namespace

Sweep sweep(const Model& model, const Dataset& data, const SweepOptions& options,
            const ProgressCallback& progress) {
  if (model.exits().size() < 2)
    throw Error(data_of(model).source +
                ": expected a model with SideNets, found none (`sidenet train` makes them)");
  check_batch(options.execution.batch.value_or(1), "sweep");
  MeasuredExits measured = measure_exits(model, data, {.execution = options.execution}, progress);
  const std::vector<Calibration> calibrations = calibrations_of(data_of(model));
  const ExitScores raw = scores_of(measured, std::vector<Calibration>(calibrations.size()));
  Sweep result;
  result.notes = std::move(measured.notes);
  result.scores = scores_of(measured, calibrations);
  const ExitScores& scores = result.scores;
  const std::vector<double> thresholds = thresholds_of(data_of(model));
  const std::vector<std::uint32_t> rows = all_rows(scores);
  result.mainnet_ms = std::accumulate(scores.segment_ms.begin(), scores.segment_ms.end(), 0.0);
  result.current = operate(scores, thresholds);
  result.uniform = uniform_curve(scores, rows);
  result.joint = joint_curve(scores, rows, {.seed = options.seed});
  const std::vector<std::uint8_t> answering = answering_exits(scores, thresholds, rows);
  const std::vector<ExitInfo>& infos = model.exits();
  for (std::size_t exit = 0; exit < scores.exits(); ++exit) {
    std::vector<std::uint32_t> reached, answered;
    for (const std::uint32_t row : rows) {
      if (answering[row] >= exit) reached.push_back(row);
      if (answering[row] == exit) answered.push_back(row);
    }
    const Judged after = judge(scores, exit), before = judge(raw, exit);
    SweptExit swept;
    swept.info = infos[exit];
    swept.all = trust_of(after);
    swept.all_uncalibrated = trust_of(before);
    swept.reached = trust_of(after.at(reached));
    swept.reached_uncalibrated = trust_of(before.at(reached));
    swept.answered = trust_of(after.at(answered));
    swept.bars = bars_of(after);
    swept.bars_uncalibrated = bars_of(before);
    const Overthinking both =
        overthinking(scores.prediction[exit], scores.prediction.back(), scores.labels);
    swept.both_right = both.both_right;
    swept.exit_only = both.exit_only;
    swept.mainnet_only = both.mainnet_only;
    swept.both_wrong = both.both_wrong;
    result.exits.push_back(std::move(swept));
  }
  result.mainnet_accuracy = result.exits.back().all.accuracy;
  name_examples(options.examples, result);
  ClassCounts mainnet(model.labels().size());
  for (std::size_t row = 0; row < scores.rows(); ++row)
    mainnet.add(scores.labels[row], static_cast<int>(scores.prediction.back()[row]));
  result.warnings = data_warnings(model, data, mainnet, class_folders(data));
  return result;
}

}  // namespace sidenet
