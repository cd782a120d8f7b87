#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <span>

#include "checked.h"
#include "data_warnings.h"
#include "exit_calibrations.h"
#include "failed_rows.h"
#include "input_checks.h"
#include "label_map.h"
#include "metrics.h"
#include "sidenet/error.h"
#include "sidenet/evaluation.h"
#include "sidenet/session.h"
#include "threads.h"

namespace sidenet {
namespace {

/// Counts of one exit.
struct ExitCount {
  std::int64_t rows = 0, right = 0;
  CalibrationBins bins;
};

class Evaluator {
 public:
  Evaluator(const Model& model, const ExitPolicy& policy, const Execution& execution)
      : session_(model, {.execution = execution, .mark_failed_rows = true}),
        policy_(policy),
        mainnet_(model.labels().size()) {
    for (const Calibration& calibration : calibrations_of(data_of(model)))
      calibrations_.push_back(calibration);
    counts_.resize(calibrations_.size());
  }

  /// Every exit once, whether a row of these would reach it or not, so that all kernels are made
  /// and memory is touched before anything is timed.
  void warm_up(const Batch& inputs) {
    session_.run_all_exits(inputs);
    session_.run(inputs, policy_);
  }

  /// All batches one way, then all the other: either finds in the caches what it has left there
  /// itself, as where it runs alone. labels: of all rows. Throws Error, with the row's name, for
  /// one without an answer.
  void add(const Dataset& data, std::span<const Batch> batches, const int* labels,
           bool exits_first) {
    std::vector<Answers> with_exits, mainnet;
    if (exits_first) with_exits = timed(batches, policy_, exits_ms_);
    mainnet = timed(batches, ExitPolicy::final_only(), mainnet_ms_);
    if (!exits_first) with_exits = timed(batches, policy_, exits_ms_);
    for (std::size_t i = 0; i < batches.size(); ++i) {
      const std::int64_t rows = with_exits[i].logits.dim(0);
      const auto name = [&](std::int64_t row) { return data.name(batches[i].first + row); };
      refuse_failed_rows(with_exits[i], session_, name);
      refuse_failed_rows(mainnet[i], session_, name);
      count(with_exits[i], mainnet[i], labels, rows);
      labels += rows;
      multiply_adds_ += static_cast<double>(with_exits[i].multiply_adds);
      mainnet_multiply_adds_ += static_cast<double>(with_exits[i].mainnet_multiply_adds);
    }
  }

  Evaluation result() const {
    const auto rows = static_cast<double>(rows_);
    Evaluation evaluation;
    evaluation.rows = rows_;
    evaluation.accuracy = static_cast<double>(right_) / rows;
    evaluation.mainnet_accuracy = static_cast<double>(mainnet_right_) / rows;
    evaluation.agreement = static_cast<double>(agreed_) / rows;
    evaluation.compute_ratio = multiply_adds_ / mainnet_multiply_adds_;
    evaluation.ms_per_row = exits_ms_ / rows;
    evaluation.mainnet_ms_per_row = mainnet_ms_ / rows;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      const ExitCount& count = counts_[i];
      const double share = count.rows > 0
                               ? static_cast<double>(count.right) / static_cast<double>(count.rows)
                               : std::numeric_limits<double>::quiet_NaN();
      evaluation.exits.push_back({session_.exit_names()[i], count.rows, share, count.bins.ece()});
    }
    return evaluation;
  }

  const ClassCounts& mainnet_counts() const { return mainnet_; }

 private:
  std::vector<Answers> timed(std::span<const Batch> batches, const ExitPolicy& policy,
                             double& total_ms) {
    std::vector<Answers> answers;
    answers.reserve(batches.size());
    const auto start = std::chrono::steady_clock::now();
    for (const Batch& inputs : batches) answers.push_back(session_.run(inputs, policy));
    total_ms +=
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    return answers;
  }

  void count(const Answers& with_exits, const Answers& mainnet, const int* labels,
             std::int64_t rows) {
    const std::int64_t classes = with_exits.logits.dim(1);
    std::vector<float> p(static_cast<std::size_t>(classes));
    for (std::int64_t row = 0; row < rows; ++row) {
      const auto i = static_cast<std::size_t>(row);
      const auto exit = static_cast<std::size_t>(with_exits.exit[i]);
      const int answer = with_exits.index[i];
      const bool right = answer == labels[i];
      // ECE is about the largest probability, whatever confidence the policy decides by.
      const Calibration& calibration = calibrations_.at(exit);
      softmax(with_exits.logits.data<float>() + row * classes, classes, calibration.temperature,
              p.data());
      ExitCount& count = counts_.at(exit);
      ++count.rows;
      count.right += right ? 1 : 0;
      count.bins.add(calibration.map(*std::max_element(p.begin(), p.end())), right);
      right_ += right ? 1 : 0;
      mainnet_right_ += mainnet.index[i] == labels[i] ? 1 : 0;
      mainnet_.add(labels[i], mainnet.index[i]);
      agreed_ += answer == mainnet.index[i] ? 1 : 0;
    }
    rows_ += rows;
  }

  Session session_;
  const ExitPolicy& policy_;
  std::vector<Calibration> calibrations_;  // one an exit
  std::vector<ExitCount> counts_;          // one an exit
  ClassCounts mainnet_;
  std::int64_t rows_ = 0, right_ = 0, mainnet_right_ = 0, agreed_ = 0;
  double multiply_adds_ = 0, mainnet_multiply_adds_ = 0, exits_ms_ = 0, mainnet_ms_ = 0;
};

/// The next batches, as many as 8 MB hold, at least one: what is timed then runs back to back, as
/// it does where requests queue, and not each time after threads have gone to sleep while the next
/// row was decoded.
std::vector<Batch> load_group(const Model& model, const Dataset& data, std::int64_t first,
                              std::int64_t batch, int threads) {
  constexpr std::size_t kBytes = std::size_t{8} << 20, kMost = 512;
  std::vector<Batch> group;
  for (std::size_t bytes = 0; first < data.rows() && bytes < kBytes && group.size() < kMost;
       first += batch) {
    group.push_back(batch_of(model, data, first, std::min(batch, data.rows() - first), threads));
    const Batch& last = group.back();
    bytes += 3 * sizeof(std::int32_t) * last.tokens.ids.size() +
             sizeof(float) * static_cast<std::size_t>(last.inputs.size());
  }
  return group;
}

}  // namespace

Evaluation evaluate(const Model& model, const Dataset& data, const ExitPolicy& policy,
                    const Execution& execution, const ProgressCallback& progress) {
  const std::int64_t batch = execution.batch.value_or(64);
  check_batch(batch, "evaluate");
  const int threads = resolve_threads(execution.threads);
  const std::int64_t rows = data.rows();
  if (rows == 0) throw Error("evaluate: the data has no rows");
  check_kind(model, data);
  Evaluator evaluator(model, policy, execution);
  LabelMap map = map_labels(data, classes_of(model));
  const std::vector<int>& labels = map.of_rows;
  constexpr std::int64_t kTurnRows = 64;
  const auto turn = static_cast<std::size_t>((kTurnRows + batch - 1) / batch);  // batches
  bool exits_first = false;
  for (std::int64_t first = 0; first < rows;) {
    const std::vector<Batch> group = load_group(model, data, first, batch, threads);
    if (first == 0) evaluator.warm_up(group.front());
    for (std::span<const Batch> left(group); !left.empty();) {
      const std::span<const Batch> batches = left.first(std::min(turn, left.size()));
      evaluator.add(data, batches, labels.data() + first, exits_first);
      exits_first = !exits_first;
      left = left.subspan(batches.size());
      first = std::min(rows, first + static_cast<std::int64_t>(batches.size()) * batch);
      if (progress) progress({"evaluate", first, rows, ""});
    }
  }
  Evaluation result = evaluator.result();
  result.notes = std::move(map.notes);
  result.warnings = data_warnings(model, data, evaluator.mainnet_counts(), class_folders(data));
  return result;
}

}  // namespace sidenet
