#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include "calibration_notes.h"
#include "checked.h"
#include "data_warnings.h"
#include "exit_calibrations.h"
#include "exit_graph.h"
#include "exit_selection.h"
#include "failure_metrics.h"
#include "joined_dataset.h"
#include "model_data.h"
#include "operating_point.h"
#include "probes.h"
#include "random.h"
#include "sidenet/error.h"
#include "sidenet/suggestion.h"
#include "trainer.h"

namespace sidenet {
namespace {

using Rows = std::vector<std::uint32_t>;
using Set = std::vector<std::size_t>;

constexpr std::size_t kMostCandidates = 24;
constexpr std::int64_t kFewestRows = 100;
constexpr int kMostExits = 16;

void check_options(const Model& model, const SuggestOptions& options) {
  if (!model.has_head())
    throw Error("suggest: " + model.architecture() +
                " has no head: expected one that `sidenet train --head` fitted");
  const auto require = [](bool holds, const std::string& what, double got) {
    if (!holds) throw Error("suggest: " + what + ", got " + std::to_string(got));
  };
  if (options.max_exits < 1 || options.max_exits > kMostExits)
    throw Error("suggest: max_exits: expected 1 to 16, got " + std::to_string(options.max_exits));
  for (const auto& [name, rows] :
       {std::pair("rows", options.rows), std::pair("probe_rows", options.probe_rows)}) {
    if (rows < kFewestRows)
      throw Error("suggest: " + std::string(name) + ": expected at least 100, got " +
                  std::to_string(rows));
  }
  require(options.max_drop >= 0 && options.max_drop < 1, "max_drop: expected 0 to below 1",
          options.max_drop);
  require(options.min_gain >= 0 && options.min_gain < 1, "min_gain: expected 0 to below 1",
          options.min_gain);
  check_batch(options.execution.batch.value_or(1), "suggest");
  TrainOptions sidenets = probe_training(options);
  check_options(sidenets);
  sidenets.hidden = options.hidden;
  check_options(sidenets);
}

/// The taps that are tried, in graph order, each of a node of its own.
class Candidates {
 public:
  Candidates(const Model& model, const SuggestOptions& options)
      : graph_(data_of(model).mainnet), source_(data_of(model).source) {
    std::set<NodeId> seen;
    for (const auto& [name, share] : model.taps()) {
      const NodeId node = graph_->find(name);
      // Behind the last layers too little is left to save.
      if (seen.insert(node).second && 1 - share > std::max(options.min_gain, 1e-6))
        taps_.push_back({name, node, share});
    }
    if (!options.candidates.empty()) {
      taps_.clear();
      add(options.candidates, "candidates");
    } else if (taps_.size() > kMostCandidates) {
      thin_out();
    }
    compared_ = add(options.compare, "compare");
    if (taps_.empty())
      throw Error("suggest: " + source_ + ": expected taps before the last layer, found none");
    std::sort(taps_.begin(), taps_.end(),
              [](const Tap& a, const Tap& b) { return a.node < b.node; });
  }

  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const Tap& tap : taps_) names.push_back(tap.name);
    return names;
  }
  /// options.compare, as places among names().
  Set compared() const {
    Set set;
    for (std::size_t i = 0; i < taps_.size(); ++i) {
      if (compared_.contains(taps_[i].node)) set.push_back(i);
    }
    return set;
  }

 private:
  struct Tap {
    std::string name;
    NodeId node;
    double share;
  };

  // A tap that is there already keeps its name.
  std::set<NodeId> add(const std::vector<std::string>& names, const std::string& option) {
    std::set<NodeId> nodes;
    for (const std::string& name : names) {
      const NodeId node = find_tap(*graph_, name, source_);
      if (!nodes.insert(node).second)
        throw Error("suggest: " + option + ": the tap '" + name + "' stands twice");
      if (std::none_of(taps_.begin(), taps_.end(),
                       [&](const Tap& tap) { return tap.node == node; }))
        taps_.push_back({name, node, 0});
    }
    return nodes;
  }

  // Those nearest to evenly spaced shares of the compute.
  void thin_out() {
    std::vector<Tap> kept;
    for (std::size_t i = 0; i < kMostCandidates; ++i) {
      const double wanted = static_cast<double>(i + 1) / static_cast<double>(kMostCandidates + 1);
      const auto nearest =
          std::min_element(taps_.begin(), taps_.end(), [&](const Tap& a, const Tap& b) {
            return std::abs(a.share - wanted) < std::abs(b.share - wanted);
          });
      kept.push_back(*nearest);
      taps_.erase(nearest);
    }
    taps_ = std::move(kept);
  }

  std::shared_ptr<const Graph> graph_;
  std::string source_;
  std::vector<Tap> taps_;
  std::set<NodeId> compared_;
};

/// At most `wanted` of the rows first … first + count, ascending, drawn by the seed.
std::vector<std::int64_t> draw_rows(std::int64_t first, std::int64_t count, std::int64_t wanted,
                                    std::uint64_t seed) {
  std::vector<std::int64_t> drawn(static_cast<std::size_t>(count));
  std::iota(drawn.begin(), drawn.end(), first);
  if (count <= wanted) return drawn;
  Random random(seed);
  for (std::size_t i = 0; i < static_cast<std::size_t>(wanted); ++i)
    std::swap(drawn[i], drawn[i + random.below(drawn.size() - i)]);
  drawn.resize(static_cast<std::size_t>(wanted));
  std::sort(drawn.begin(), drawn.end());
  return drawn;
}

/// what: "rows", "probe rows".
void check_labels(const LabelledData& data, const std::vector<std::int64_t>& rows,
                  const std::string& what) {
  if (static_cast<std::int64_t>(rows.size()) < kFewestRows)
    throw Error("suggest: expected at least 100 " + what + ", got " + std::to_string(rows.size()));
  std::set<int> classes;
  for (const std::int64_t row : rows) classes.insert(data.labels[static_cast<std::size_t>(row)]);
  if (classes.size() < 2) {
    throw Error("suggest: expected " + what + " of two classes or more, got " +
                std::to_string(rows.size()) + " of class " +
                data.class_names[static_cast<std::size_t>(*classes.begin())] + " alone");
  }
}

std::int64_t count_rows(const std::vector<std::shared_ptr<const Dataset>>& parts) {
  std::int64_t rows = 0;
  for (const auto& part : parts) rows += part->rows();
  return rows;
}

/// Confidences fitted on the rows that choose.
ExitScores calibrated_scores(const ProbedExits& probed, std::uint64_t seed) {
  const MeasuredExits& measured = probed.measured;
  std::vector<Calibration> calibrations;
  for (const Tensor& logits : measured.logits) {
    CalibrationOptions fit;
    fit.seed = seed;
    calibrations.push_back(fit_calibration(logits, measured.labels, probed.choosing, fit));
  }
  ExitScores scores = scores_of(measured, calibrations);
  check_scores(scores);
  return scores;
}

/// Chooses on some rows and tells on others.
class Telling {
 public:
  Telling(const ProbedExits& probed, const SuggestOptions& options)
      : options_(options),
        scores_(calibrated_scores(probed, options.seed)),
        told_(probed.telling),
        cost_(options.by_time ? SearchOptions::Cost::ms : SearchOptions::Cost::compute),
        choosing_(scores_, probed.choosing, cost_),
        mainnet_(operate(scores_, std::vector<double>(scores_.exits() - 1, kShut), told_)) {}

  const ExitScores& scores() const { return scores_; }
  const CommonThreshold& choosing() const { return choosing_; }
  double mainnet_accuracy() const { return mainnet_.accuracy; }
  double worth(const Set& set) const { return choosing_.worth(set, options_.max_drop); }

  ExitSet tell(const Set& set) const {
    const CommonThreshold::Point chosen = choosing_.best(set, options_.max_drop);
    std::vector<double> thresholds(choosing_.exits(), kShut);
    for (const std::size_t exit : set) thresholds[exit] = chosen.threshold;
    const OperatingPoint point = operate(scores_, thresholds, told_);
    ExitSet told;
    told.threshold = chosen.threshold;
    told.worth = worth(set);
    told.saved = 1 - (options_.by_time ? point.ms / mainnet_.ms : point.compute);
    told.accuracy = point.accuracy;
    told.agreement = point.agreement;
    for (const std::size_t exit : set) {
      told.taps.push_back(scores_.names[exit]);
      told.rows.push_back(point.rows[exit]);
    }
    told.rows.push_back(point.rows.back());
    return told;
  }

  ProbedTap tell_tap(std::size_t exit) const {
    ProbedTap tap;
    tap.name = scores_.names[exit];
    const auto up_to = [&](const std::vector<double>& segments) {
      return std::accumulate(segments.begin(),
                             segments.begin() + static_cast<std::ptrdiff_t>(exit) + 1, 0.0);
    };
    tap.compute_share = up_to(scores_.segment_compute);
    tap.head_compute = scores_.head_compute[exit];
    const double none = std::numeric_limits<double>::quiet_NaN();
    tap.ms = options_.by_time ? up_to(scores_.segment_ms) : none;
    tap.head_ms = options_.by_time ? scores_.head_ms[exit] : none;
    std::vector<float> confidence;
    std::vector<std::uint8_t> right;
    for (const std::uint32_t row : told_) {
      confidence.push_back(scores_.confidence[exit][row]);
      right.push_back(scores_.prediction[exit][row] == scores_.labels[row] ? 1 : 0);
    }
    const TopLabelScores trust = top_label_scores(confidence, right);
    tap.accuracy = trust.accuracy;
    tap.ece = trust.ece;
    tap.auroc = trust.auroc;
    const ExitSet alone = tell({exit});
    tap.threshold = alone.threshold;
    tap.answered = static_cast<double>(alone.rows[0]) / static_cast<double>(told_.size());
    tap.saved = alone.saved;
    return tap;
  }

 private:
  const SuggestOptions& options_;
  ExitScores scores_;
  Rows told_;
  SearchOptions::Cost cost_;
  CommonThreshold choosing_;
  OperatingPoint mainnet_;
};

}  // namespace

Suggestion suggest_exits(const Model& model,
                         const std::vector<std::shared_ptr<const Dataset>>& data,
                         const SuggestOptions& options, const ProgressCallback& progress) {
  check_options(model, options);
  const Candidates candidates(model, options);
  const std::int64_t scored = count_rows(data), learnt = count_rows(options.probe_data);
  if (scored == 0) throw Error("suggest: the data has no rows");
  std::vector<std::shared_ptr<const Dataset>> parts = data;
  parts.insert(parts.end(), options.probe_data.begin(), options.probe_data.end());
  const LabelledData labelled = label_data(model, parts);
  ProbeRows rows{draw_rows(0, scored, options.rows, options.seed), {}};
  check_labels(labelled, rows.scored, "rows");
  if (!options.probe_data.empty()) {
    rows.learnt = draw_rows(scored, learnt, options.probe_rows, options.seed);
    check_labels(labelled, rows.learnt, "probe rows");
  }

  const ProbedExits probed =
      probe_exits(model, labelled, rows, candidates.names(), options, progress);
  const Telling telling(probed, options);
  Suggestion result;
  result.notes = labelled.notes;
  result.left_out = probed.left_out;
  result.choosing_rows = static_cast<std::int64_t>(probed.choosing.size());
  result.told_rows = static_cast<std::int64_t>(probed.telling.size());
  result.probe_rows = probed.probe_rows;
  result.mainnet_accuracy = telling.mainnet_accuracy();
  const std::vector<double>& segment_ms = telling.scores().segment_ms;
  result.mainnet_ms = options.by_time ? std::accumulate(segment_ms.begin(), segment_ms.end(), 0.0)
                                      : std::numeric_limits<double>::quiet_NaN();
  for (std::size_t exit = 0; exit + 1 < telling.scores().exits(); ++exit)
    result.taps.push_back(telling.tell_tap(exit));

  const std::vector<Set> sets =
      select_exits(telling.choosing(), {options.max_exits, options.max_drop});
  std::vector<double> worth;
  for (const Set& set : sets) worth.push_back(result.sets.emplace_back(telling.tell(set)).worth);
  if (const std::size_t count = worthwhile_exits(worth, options.min_gain); count > 0) {
    result.suggested = result.sets[count - 1];
    for (const std::size_t exit : sets[count - 1]) {
      Set rest = sets[count - 1];
      std::erase(rest, exit);
      result.gains.push_back(worth[count - 1] - telling.worth(rest));
    }
  } else {
    result.suggested = telling.tell({});
  }
  if (!options.compare.empty()) result.compared = telling.tell(candidates.compared());
  result.warnings =
      data_warnings(model, JoinedDataset(labelled.parts, labelled.labels, 0),
                    count_answers(probed.measured.logits.back(), probed.measured.labels),
                    class_folders(labelled.parts));
  if (std::string note = note_of_known_rows(result.mainnet_accuracy); !note.empty())
    result.notes.push_back(std::move(note));
  return result;
}

}  // namespace sidenet
