#include "probes.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <numeric>

#include "exit_head.h"
#include "joined_dataset.h"
#include "model_data.h"
#include "random.h"
#include "row_digests.h"
#include "sidenet/error.h"
#include "sidenet/session.h"
#include "split.h"
#include "tapped_session.h"
#include "threads.h"
#include "trainer.h"

namespace sidenet {
namespace {

using Rows = std::vector<std::uint32_t>;

constexpr double kMostFeatureBytes = 2.0 * (1 << 30);
constexpr std::size_t kRowsToMeasure = 256, kRowsToTime = 1000;
constexpr int kFolds = 3;
constexpr double kToldShare = 0.25, kHoldout = 0.1;
constexpr std::int64_t kMainnetBatch = 64;

/// Some rows of the data, in their order.
class PickedRows : public Dataset {
 public:
  PickedRows(const LabelledData& data, std::vector<std::int64_t> rows)
      : data_(data.parts, data.labels, 0), rows_(std::move(rows)) {}
  Kind kind() const override { return data_.kind(); }
  std::int64_t rows() const override { return static_cast<std::int64_t>(rows_.size()); }
  int label(std::int64_t row) const override { return data_.label(inner(row)); }
  const std::vector<std::string>& class_names() const override { return data_.class_names(); }  // none: labels are classes
  std::string name(std::int64_t row) const override { return data_.name(inner(row)); }
  Tensor image(std::int64_t row) const override { return data_.image(inner(row)); }
  Text text(std::int64_t row) const override { return data_.text(inner(row)); }

 private:
  std::int64_t inner(std::int64_t row) const { return rows_.at(static_cast<std::size_t>(row)); }
  JoinedDataset data_;
  std::vector<std::int64_t> rows_;
};

/// A SideNet of zeros costs what any other of its width does.
Model with_zero_sidenets(const Model& model, const std::vector<std::string>& taps, const TappedSession& mainnet,
                         const SuggestOptions& options) {
  ModelData data = *model.data();
  for (const ExitSpec& exit : data.exits) {
    std::erase_if(data.weights, [&](const auto& w) { return w.first.starts_with("exits." + exit.name + "."); });
  }
  data.exits.clear();
  data.certificate.reset();
  data.plans.reset();
  const std::int64_t hidden = options.hidden, classes = data.classes();
  for (std::size_t i = 0; i < taps.size(); ++i) {
    const std::int64_t features = mainnet.feature_counts().at(i);
    const auto put = [&](const char* name, Shape shape, float value) {
      Tensor tensor(DType::f32, shape);
      std::fill_n(tensor.mutable_data<float>(), tensor.size(), value);
      data.weights.insert_or_assign("exits." + taps[i] + "." + name, std::move(tensor));
    };
    put("mean", {features}, 0);
    put("std", {features}, 1);
    put("fc1.weight", {hidden, features}, 0);
    put("fc1.bias", {hidden}, 0);
    put("fc2.weight", {classes, hidden}, 0);
    put("fc2.bias", {classes}, 0);
    ExitSpec exit;
    exit.name = exit.tap = taps[i];
    exit.pooling = {mainnet.pools().at(i), nodes::token_pooling_of(options.token_pool)};
    exit.hidden = options.hidden;
    data.exits.push_back(std::move(exit));
  }
  return make_model(std::move(data));
}

/// At most `most` of the rows, evenly.
std::vector<std::int64_t> some_of(const std::vector<std::int64_t>& rows, std::size_t most) {
  if (rows.size() <= most) return rows;
  std::vector<std::int64_t> some;
  for (std::size_t i = 0; i < most; ++i) some.push_back(rows[i * rows.size() / most]);
  return some;
}

/// What the frozen MainNet gives for every row.
struct Features {
  std::vector<Tensor> taps;  // (rows, features)
  Tensor logits;             // (rows, classes)
  Rows digests;
  std::vector<float> weight;  // of texts: MainNet's multiply-adds over their mean
};

Features compute(TappedSession& mainnet, const Model& model, const PickedRows& rows, const SuggestOptions& options,
                 const ProgressCallback& progress) {
  Features all;
  for (const int features : mainnet.feature_counts()) all.taps.emplace_back(DType::f32, Shape{rows.rows(), features});
  all.logits = Tensor(DType::f32, {rows.rows(), static_cast<std::int64_t>(model.labels().size())});
  Session session(model, {resolve_threads(options.threads)});
  double sum = 0;
  const auto put = [](const Tensor& from, std::int64_t first, Tensor& to) {
    if (from.dim(1) != to.dim(1)) {
      throw Error("suggest: rows of one size are needed: expected " + std::to_string(to.dim(1)) + " features, got " +
                  std::to_string(from.dim(1)));
    }
    std::copy_n(from.data<float>(), from.size(), to.mutable_data<float>() + first * to.dim(1));
  };
  const auto take = [&](const Batch& batch) {
    const TappedSession::Output output = mainnet.run(batch);
    for (std::size_t i = 0; i < all.taps.size(); ++i) put(output.features[i], batch.first, all.taps[i]);
    put(output.logits, batch.first, all.logits);
    for (const std::uint32_t digest : row_digests(batch, model.is_text())) all.digests.push_back(digest);
    for (std::int64_t row = 0; model.is_text() && row < batch.tokens.rows(); ++row) {
      all.weight.push_back(static_cast<float>(session.mainnet_multiply_adds({batch.tokens.length(row)})));
      sum += static_cast<double>(all.weight.back());
    }
    if (progress) progress({"features", static_cast<std::int64_t>(all.digests.size()), rows.rows(), ""});
  };
  if (model.is_text()) {
    for_each_batch(rows, model.tokenizer(), kMainnetBatch, take);
  } else {
    for_each_batch(rows, model.preprocessing(), kMainnetBatch, options.threads, take);
  }
  for (float& weight : all.weight)
    weight = static_cast<float>(weight * static_cast<double>(rows.rows()) / std::max(sum, 1.0));
  return all;
}

void check_memory(const TappedSession& mainnet, std::int64_t rows) {
  const std::vector<int>& counts = mainnet.feature_counts();
  const double bytes = std::accumulate(counts.begin(), counts.end(), 0.0) * static_cast<double>(rows) * sizeof(float);
  if (bytes <= kMostFeatureBytes) return;
  char text[160];
  std::snprintf(text, sizeof text,
                "suggest: features of %zu taps and %lld rows: expected at most 2.0 GiB, got %.1f GiB: fewer rows, fewer "
                "candidates or a smaller pool",
                counts.size(), static_cast<long long>(rows), bytes / (1 << 30));
  throw Error(text);
}

/// Rows that choose, rows that are only told about, and which fold's probes score each: those that have not learnt it. Told
/// rows are learnt by none, and scored by fold 0's. Copies of a row stay together.
struct Parts {
  Rows choosing, telling;
  std::vector<int> fold;  // [row]
};

Parts split(const Rows& digests, std::uint64_t seed) {
  const std::vector<std::uint64_t> groups(digests.begin(), digests.end());
  const Split told = split_rows(groups, kToldShare, seed);
  Parts parts;
  parts.telling.assign(told.holdout.begin(), told.holdout.end());
  parts.choosing.assign(told.training.begin(), told.training.end());
  parts.fold.assign(digests.size(), 0);
  std::vector<std::int64_t> count(kFolds);
  for (const std::uint32_t row : parts.choosing) {
    const auto fold = static_cast<int>(Random(seed + 1, digests[row]).below(kFolds));
    parts.fold[row] = fold;
    ++count[static_cast<std::size_t>(fold)];
  }
  if (parts.telling.empty() || *std::min_element(count.begin(), count.end()) == 0)
    throw Error("suggest: expected different rows, got copies of few");
  return parts;
}

/// Logits of `wanted` rows, written to their places.
void score(const SideNetWeights& weights, const Tensor& features, const Rows& wanted, int threads, Tensor& logits) {
  const std::int64_t width = features.dim(1), classes = logits.dim(1);
  const Shape row_shape{width};
  const nodes::ExitHead head(
      {weights.mean, weights.std, weights.fc1_weight, weights.fc1_bias, weights.fc2_weight, weights.fc2_bias}, {});
  const auto executable = head.prepare({&row_shape, 1}, {});
  constexpr std::size_t at_once = 1024;
  std::vector<std::byte> scratch(executable->scratch_bytes({1, 0, threads}) + 64);
  void* aligned = scratch.data();
  std::size_t room = scratch.size();
  std::align(64, room - 64, aligned, room);
  std::vector<float> x(at_once * static_cast<std::size_t>(width)), y(at_once * static_cast<std::size_t>(classes));
  for (std::size_t first = 0; first < wanted.size(); first += at_once) {
    const std::size_t count = std::min(at_once, wanted.size() - first);
    for (std::size_t i = 0; i < count; ++i)
      std::copy_n(features.data<float>() + wanted[first + i] * width, width,
                  x.data() + i * static_cast<std::size_t>(width));
    const float* input = x.data();
    executable->run({&input, 1}, y.data(), {static_cast<int>(count), 0, nullptr}, static_cast<std::byte*>(aligned),
                    threads);
    for (std::size_t i = 0; i < count; ++i)
      std::copy_n(y.data() + i * static_cast<std::size_t>(classes), classes,
                  logits.mutable_data<float>() + wanted[first + i] * classes);
  }
}

}  // namespace

TrainOptions probe_training(const SuggestOptions& options) {
  TrainOptions train;
  train.hidden = std::min(options.probe_hidden, options.hidden);
  train.pool = options.pool;
  train.token_pool = options.token_pool;
  train.epochs = train.patience = options.probe_epochs;
  train.batch_rows = 64;  // few rows: smaller steps, more of them
  train.seed = options.seed;
  train.threads = options.threads;
  return train;
}

ProbedExits probe_exits(const Model& model, const LabelledData& data, const std::vector<std::int64_t>& rows,
                        const std::vector<std::string>& taps, const SuggestOptions& options,
                        const ProgressCallback& progress) {
  const int threads = resolve_threads(options.threads);
  const TrainOptions train = probe_training(options);
  TappedSession mainnet(model, taps, {options.pool, nodes::token_pooling_of(options.token_pool)}, threads);
  check_memory(mainnet, static_cast<std::int64_t>(rows.size()));
  const PickedRows picked(data, rows);
  Features features = compute(mainnet, model, picked, options, progress);
  const Parts parts = split(features.digests, options.seed);

  ProbedExits result;
  result.choosing = parts.choosing;
  result.telling = parts.telling;
  result.measured = measure_exits(with_zero_sidenets(model, taps, mainnet, options),
                                  PickedRows(data, some_of(rows, options.by_time ? kRowsToTime : kRowsToMeasure)),
                                  {threads, options.batch, options.winograd}, progress);
  MeasuredExits& measured = result.measured;
  measured.labels.clear();
  for (const std::int64_t row : rows) measured.labels.push_back(data.labels[static_cast<std::size_t>(row)]);
  measured.digests = features.digests;
  measured.weight = features.weight;
  for (Tensor& logits : measured.logits) logits = Tensor(DType::f32, features.logits.shape());
  measured.logits.back() = features.logits;

  const std::int64_t epochs = kFolds * static_cast<std::int64_t>(taps.size()) * train.epochs;
  std::int64_t done = 0;
  for (int fold = 0; fold < kFolds; ++fold) {
    TrainingRows learnt;
    learnt.labels = measured.labels;
    learnt.mainnet_logits = features.logits;
    Rows others, scored;
    std::vector<std::uint64_t> groups;
    for (const std::uint32_t row : parts.choosing) {
      if (parts.fold[row] == fold) continue;
      others.push_back(row);
      groups.push_back(features.digests[row]);
    }
    for (std::uint32_t row = 0; row < parts.fold.size(); ++row) {
      if (parts.fold[row] == fold) scored.push_back(row);
    }
    const Split stopping = split_rows(groups, kHoldout, options.seed);
    for (const std::int64_t i : stopping.training) learnt.training.push_back(others[static_cast<std::size_t>(i)]);
    for (const std::int64_t i : stopping.holdout) learnt.holdout.push_back(others[static_cast<std::size_t>(i)]);
    const auto count = static_cast<std::int64_t>(learnt.training.size());
    result.probe_rows = fold == 0 ? count : std::min(result.probe_rows, count);
    for (std::size_t tap = 0; tap < taps.size(); ++tap) {
      learnt.features = features.taps[tap];
      const TrainedSideNet probe = train_sidenet(taps[tap], learnt, train, [&](int, double, double, double) {
        if (progress) progress({"train probes", ++done, epochs, taps[tap]});
      });
      score(probe.weights, learnt.features, scored, threads, measured.logits[tap]);
    }
  }
  return result;
}

}  // namespace sidenet
