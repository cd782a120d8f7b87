#include <algorithm>
#include <chrono>
#include <cmath>
#include <exception>
#include <limits>

#include "input_checks.h"
#include "label_map.h"
#include "metrics.h"
#include "sidenet/error.h"
#include "sidenet/evaluation.h"
#include "sidenet/session.h"
#include "threads.h"

namespace sidenet {
namespace {

/// Rows first … first + count of the data, preprocessed: (count, C, H, W). Unlike for_each_batch, nothing is read ahead:
/// decoding must not run beside what is timed.
Tensor load_images(const Dataset& data, const Preprocessing& preprocessing, std::int64_t first, std::int64_t count,
                   int threads) {
  const Tensor front = preprocess_image(data.image(first), preprocessing);
  Shape shape = front.shape();
  shape.insert(shape.begin(), count);
  Tensor batch(DType::f32, shape);
  float* to = batch.mutable_data<float>();
  std::exception_ptr failure;
#pragma omp parallel for num_threads(threads) schedule(dynamic)
  for (std::int64_t i = 0; i < count; ++i) {
    try {
      const Tensor row = i == 0 ? front : preprocess_image(data.image(first + i), preprocessing);
      if (row.shape() != front.shape()) {
        throw Error(data.name(first + i) + ": expected shape " + to_string(front.shape()) + " as the rows before it, got " +
                    to_string(row.shape()));
      }
      std::copy_n(row.data<float>(), row.size(), to + i * row.size());
    } catch (...) {  // an exception must not leave the parallel loop
#pragma omp critical
      failure = std::current_exception();
    }
  }
  if (failure) std::rethrow_exception(failure);
  return batch;
}

Batch load_rows(const Model& model, const Dataset& data, std::int64_t first, std::int64_t count, int threads) {
  Batch batch;
  batch.first = first;
  if (model.is_text()) {
    batch.tokens = encode_rows(data, model.tokenizer(), first, count);
  } else {
    batch.inputs = load_images(data, model.preprocessing(), first, count, threads);
  }
  return batch;
}

/// Counts of one exit.
struct ExitCount {
  std::int64_t rows = 0, right = 0;
  CalibrationBins bins;
};

class Evaluator {
 public:
  Evaluator(const Model& model, const ExitPolicy& policy, int threads, bool winograd)
      : session_(model, {threads, 0, winograd}), is_text_(model.is_text()), policy_(policy) {
    for (const std::string& name : session_.exit_names()) {
      temperatures_.push_back(1);
      for (const ExitInfo& exit : model.exits()) {
        if (exit.name == name) temperatures_.back() = exit.temperature;
      }
    }
    counts_.resize(temperatures_.size());
  }

  /// Every exit once, whether a row of these would reach it or not, so that all kernels are made and memory is touched
  /// before anything is timed.
  void warm_up(const Batch& inputs) {
    is_text_ ? session_.run_all_exits(inputs.tokens) : session_.run_all_exits(inputs.inputs);
    run(inputs, policy_);
  }

  void add(const Batch& inputs, const int* labels, bool exits_first) {
    Answers with_exits, mainnet;
    if (exits_first) with_exits = timed(inputs, policy_, exits_ms_);
    mainnet = timed(inputs, ExitPolicy::final_only(), mainnet_ms_);
    if (!exits_first) with_exits = timed(inputs, policy_, exits_ms_);
    count(with_exits, mainnet, labels, with_exits.logits.dim(0));
    multiply_adds_ += static_cast<double>(with_exits.multiply_adds);
    mainnet_multiply_adds_ += static_cast<double>(with_exits.mainnet_multiply_adds);
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
      const double share = count.rows > 0 ? static_cast<double>(count.right) / static_cast<double>(count.rows)
                                          : std::numeric_limits<double>::quiet_NaN();
      evaluation.exits.push_back({session_.exit_names()[i], count.rows, share, count.bins.ece()});
    }
    return evaluation;
  }

 private:
  Answers run(const Batch& inputs, const ExitPolicy& policy) {
    return is_text_ ? session_.run(inputs.tokens, policy) : session_.run(inputs.inputs, policy);
  }

  Answers timed(const Batch& inputs, const ExitPolicy& policy, double& total_ms) {
    const auto start = std::chrono::steady_clock::now();
    Answers answers = run(inputs, policy);
    total_ms += std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    return answers;
  }

  void count(const Answers& with_exits, const Answers& mainnet, const int* labels, std::int64_t rows) {
    const std::int64_t classes = with_exits.logits.dim(1);
    std::vector<float> p(static_cast<std::size_t>(classes));
    for (std::int64_t row = 0; row < rows; ++row) {
      const auto i = static_cast<std::size_t>(row);
      const auto exit = static_cast<std::size_t>(with_exits.exit[i]);
      const int answer = with_exits.index[i];
      const bool right = answer == labels[i];
      // ECE is about the largest probability, whatever confidence the policy decides by.
      softmax(with_exits.logits.data<float>() + row * classes, classes, temperatures_.at(exit), p.data());
      ExitCount& count = counts_.at(exit);
      ++count.rows;
      count.right += right ? 1 : 0;
      count.bins.add(*std::max_element(p.begin(), p.end()), right);
      right_ += right ? 1 : 0;
      mainnet_right_ += mainnet.index[i] == labels[i] ? 1 : 0;
      agreed_ += answer == mainnet.index[i] ? 1 : 0;
    }
    rows_ += rows;
  }

  Session session_;
  bool is_text_;
  const ExitPolicy& policy_;
  std::vector<double> temperatures_;  // one an exit
  std::vector<ExitCount> counts_;     // one an exit
  std::int64_t rows_ = 0, right_ = 0, mainnet_right_ = 0, agreed_ = 0;
  double multiply_adds_ = 0, mainnet_multiply_adds_ = 0, exits_ms_ = 0, mainnet_ms_ = 0;
};

}  // namespace

Evaluation evaluate(const Model& model, const Dataset& data, const ExitPolicy& policy, const EvaluateOptions& options,
                    const ProgressCallback& progress) {
  if (options.batch < 1) throw Error("evaluate: batch: expected at least 1, got " + std::to_string(options.batch));
  const int threads = resolve_threads(options.threads);
  const std::int64_t rows = data.rows();
  if (rows == 0) throw Error("evaluate: the data has no rows");
  check_kind(model, data);
  Evaluator evaluator(model, policy, threads, options.winograd);
  std::vector<std::string> notes;
  const std::vector<int> labels = map_labels(data, model.labels(), &notes);
  bool exits_first = false;
  for (std::int64_t first = 0; first < rows; first += options.batch) {
    const std::int64_t count = std::min(options.batch, rows - first);
    const Batch inputs = load_rows(model, data, first, count, threads);
    if (first == 0) evaluator.warm_up(inputs);
    evaluator.add(inputs, labels.data() + first, exits_first);
    exits_first = !exits_first;
    if (progress) progress({"evaluate", first + count, rows, ""});
  }
  Evaluation result = evaluator.result();
  result.notes = std::move(notes);
  return result;
}

}  // namespace sidenet
