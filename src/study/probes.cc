#include "probes.h"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <exception>
#include <functional>
#include <memory>
#include <numeric>
#include <set>

#include "joined_dataset.h"
#include "model_data.h"
#include "picked_rows.h"
#include "prepared_sidenet.h"
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

PickedRows pick(const LabelledData& data, std::vector<std::int64_t> rows) {
  return {std::make_shared<JoinedDataset>(data.parts, data.labels, 0), std::move(rows)};
}

/// A SideNet of zeros costs what any other of its width does.
Model with_zero_sidenets(const Model& model, const std::vector<std::string>& taps,
                         const TappedSession& mainnet, const SuggestOptions& options) {
  ModelData data = data_of(model);
  for (const ExitSpec& exit : data.exits) {
    const std::string scope = ops::SideNet::scope(exit.name);
    auto weight = data.weights.lower_bound(scope);
    while (weight != data.weights.end() && weight->first.starts_with(scope))
      weight = data.weights.erase(weight);
  }
  data.exits.clear();
  data.certificate.reset();
  for (std::size_t i = 0; i < taps.size(); ++i) {
    const ops::ExitPooling pooling{mainnet.pools().at(i), options.token_pool};
    ops::SideNet::zeros(mainnet.feature_counts().at(i), options.hidden, data.classes(), pooling)
        .put(data.weights, taps[i]);
    ExitSpec exit;
    exit.name = exit.tap = taps[i];
    exit.pooling = pooling;
    exit.hidden = options.hidden;
    data.exits.push_back(std::move(exit));
  }
  return make_model(std::move(data));
}

/// Images that keep their own sizes do not stand in one batch.
std::int64_t mainnet_batch(const Model& model) {
  return model.is_text() || model.preprocessing().size() > 0 ? kMainnetBatch : 1;
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

Features compute(TappedSession& mainnet, const Model& model, const PickedRows& rows,
                 const SuggestOptions& options, const ProgressCallback& progress) {
  Features all;
  for (const int features : mainnet.feature_counts())
    all.taps.emplace_back(DType::f32, Shape{rows.rows(), features});
  all.logits = Tensor(DType::f32, {rows.rows(), static_cast<std::int64_t>(model.labels().size())});
  Session session(model, {.execution = {.threads = options.execution.threads}});
  double sum = 0;
  const auto put = [](const Tensor& from, std::int64_t first, Tensor& to) {
    if (from.dim(1) != to.dim(1)) {
      throw Error(
          "suggest: a row is smaller than the others, at a tap smaller than the pool: expected " +
          std::to_string(to.dim(1)) + " features, got " + std::to_string(from.dim(1)));
    }
    std::copy_n(from.data<float>(), from.size(), to.mutable_data<float>() + first * to.dim(1));
  };
  const auto take = [&](const Batch& batch) {
    const TappedSession::Output output = mainnet.run(batch);
    for (std::size_t i = 0; i < all.taps.size(); ++i)
      put(output.features[i], batch.first, all.taps[i]);
    put(output.logits, batch.first, all.logits);
    for (const std::uint32_t digest : row_digests(batch)) all.digests.push_back(digest);
    for (std::int64_t row = 0; row < batch.tokens.rows(); ++row) {
      all.weight.push_back(
          static_cast<float>(session.mainnet_multiply_adds({batch.tokens.length(row)})));
      sum += static_cast<double>(all.weight.back());
    }
    if (progress)
      progress({"features", static_cast<std::int64_t>(all.digests.size()), rows.rows(), ""});
  };
  for_each_batch(model, rows, mainnet_batch(model), options.execution.threads, take);
  for (float& weight : all.weight)
    weight = static_cast<float>(weight * static_cast<double>(rows.rows()) / std::max(sum, 1.0));
  return all;
}

void check_memory(const TappedSession& mainnet, std::int64_t rows) {
  const std::vector<int>& counts = mainnet.feature_counts();
  const double bytes = std::accumulate(counts.begin(), counts.end(), 0.0) *
                       static_cast<double>(rows) * sizeof(float);
  if (bytes <= kMostFeatureBytes) return;
  char text[160];
  std::snprintf(text, sizeof text,
                "suggest: features of %zu taps and %lld rows: expected at most 2.0 GiB, got %.1f "
                "GiB: fewer rows, fewer "
                "candidates or a smaller pool",
                counts.size(), static_cast<long long>(rows), bytes / (1 << 30));
  throw Error(text);
}

/// A training of probes: rows to learn from, and rows to score that are none of them.
struct Fold {
  Rows learnt, scored;
};

/// Who does what. Copies of a row stay together.
struct Parts {
  Rows choosing, telling;  // of the scored rows
  std::vector<Fold> folds;
};

Rows as_rows(const std::vector<std::int64_t>& rows) { return {rows.begin(), rows.end()}; }

/// Told rows are learnt by no probe, and scored by those of the first fold.
Parts cross_fit(const Rows& digests, std::uint64_t seed) {
  const Split told = split_rows({digests.begin(), digests.end()}, kToldShare, seed);
  Parts parts{as_rows(told.training), as_rows(told.holdout), std::vector<Fold>(kFolds)};
  for (const std::uint32_t row : parts.choosing) {
    const std::size_t out = Random(seed + 1, digests[row]).below(kFolds);
    for (std::size_t fold = 0; fold < kFolds; ++fold)
      (fold == out ? parts.folds[fold].scored : parts.folds[fold].learnt).push_back(row);
  }
  Rows& first = parts.folds.front().scored;
  first.insert(first.end(), parts.telling.begin(), parts.telling.end());
  return parts;
}

/// digests: of the scored rows, then of those to learn from.
Parts two_sets(const Rows& digests, std::size_t scored, std::uint64_t seed) {
  Parts parts;
  Fold& only = parts.folds.emplace_back();
  for (std::size_t row = scored; row < digests.size(); ++row)
    only.learnt.push_back(static_cast<std::uint32_t>(row));
  const std::set<std::uint32_t> known(digests.begin() + static_cast<std::ptrdiff_t>(scored),
                                      digests.end());
  std::vector<std::uint64_t> groups;
  for (std::uint32_t row = 0; row < scored; ++row) {
    if (known.contains(digests[row])) continue;
    only.scored.push_back(row);
    groups.push_back(digests[row]);
  }
  const Split told = split_rows(groups, kToldShare, seed);
  for (const std::int64_t i : told.training)
    parts.choosing.push_back(only.scored[static_cast<std::size_t>(i)]);
  for (const std::int64_t i : told.holdout)
    parts.telling.push_back(only.scored[static_cast<std::size_t>(i)]);
  return parts;
}

void check_parts(const Parts& parts, std::size_t scored) {
  const std::size_t kept = parts.choosing.size() + parts.telling.size();
  if (2 * kept < scored) {
    throw Error("suggest: expected rows that probes do not learn from, got " +
                std::to_string(scored - kept) + " of " + std::to_string(scored) +
                " that stand among probe_data too");
  }
  const auto is_empty = [](const Fold& fold) { return fold.learnt.empty() || fold.scored.empty(); };
  if (parts.choosing.empty() || parts.telling.empty() ||
      std::any_of(parts.folds.begin(), parts.folds.end(), is_empty))
    throw Error("suggest: expected different rows, got copies of few");
}

/// Logits of `wanted` rows, written to their places.
void score(const ops::SideNet& sidenet, const Tensor& features, const Rows& wanted, int threads,
           Tensor& logits) {
  const std::int64_t width = features.dim(1), classes = logits.dim(1);
  const ops::PreparedSideNet prepared(sidenet, threads);
  constexpr std::size_t at_once = 1024;
  std::vector<float> x(at_once * static_cast<std::size_t>(width)),
      y(at_once * static_cast<std::size_t>(classes));
  for (std::size_t first = 0; first < wanted.size(); first += at_once) {
    const std::size_t count = std::min(at_once, wanted.size() - first);
    for (std::size_t i = 0; i < count; ++i)
      std::copy_n(features.data<float>() + wanted[first + i] * width, width,
                  x.data() + i * static_cast<std::size_t>(width));
    prepared.run(x.data(), static_cast<int>(count), y.data());
    for (std::size_t i = 0; i < count; ++i)
      std::copy_n(y.data() + i * static_cast<std::size_t>(classes), classes,
                  logits.mutable_data<float>() + wanted[first + i] * classes);
  }
}

/// Costs alone; times only where they are asked for.
MeasuredExits measure_costs(const Model& model, const LabelledData& data,
                            const std::vector<std::int64_t>& rows,
                            const std::vector<std::string>& taps, const TappedSession& mainnet,
                            const SuggestOptions& options, const ProgressCallback& progress) {
  const PickedRows some = pick(data, some_of(rows, options.by_time ? kRowsToTime : kRowsToMeasure));
  Execution execution = options.execution;
  execution.batch = options.by_time ? execution.batch.value_or(1) : mainnet_batch(model);
  MeasuredExits measured = measure_exits(with_zero_sidenets(model, taps, mainnet, options), some,
                                         {.execution = execution}, progress);
  if (!options.by_time) {
    measured.segment_ms.clear();
    measured.head_ms.clear();
  }
  measured.labels.clear();
  measured.notes.clear();
  return measured;
}

/// A tenth of the rows stops the training early.
void split_learnt(const Rows& rows, const Rows& digests, std::uint64_t seed, TrainingRows& learnt) {
  std::vector<std::uint64_t> groups;
  for (const std::uint32_t row : rows) groups.push_back(digests[row]);
  const Split split = split_rows(groups, kHoldout, seed);
  learnt.training.clear();
  learnt.holdout.clear();
  for (const std::int64_t i : split.training)
    learnt.training.push_back(rows[static_cast<std::size_t>(i)]);
  for (const std::int64_t i : split.holdout)
    learnt.holdout.push_back(rows[static_cast<std::size_t>(i)]);
}

/// The probes of all taps, one a thread: they are too small to share. trained: told how many are,
/// by the caller's thread.
void train_probes(const std::vector<std::string>& taps, const Fold& fold,
                  const TrainingRows& learnt, const Features& features,
                  const SuggestOptions& options, std::vector<Tensor>& logits,
                  const std::function<void(std::int64_t done)>& trained) {
  TrainOptions train = probe_training(options);
  train.execution.threads = 1;
  std::exception_ptr failure;
  std::atomic<bool> stopped = false;
  std::atomic<std::int64_t> done = 0;
  const auto count = static_cast<std::int64_t>(taps.size());
#pragma omp parallel for num_threads(resolve_threads(options.execution.threads)) schedule(dynamic)
  for (std::int64_t i = 0; i < count; ++i) {
    if (stopped) continue;
    try {
      const auto tap = static_cast<std::size_t>(i);
      TrainingRows rows = learnt;
      rows.features = features.taps[tap];
      const TrainedSideNet probe = train_sidenet(taps[tap], rows, train);
      score(probe.sidenet, rows.features, fold.scored, 1, logits[tap]);
      ++done;
      if (omp_get_thread_num() == 0) trained(done);
    } catch (...) {  // an exception must not leave the parallel loop
      stopped = true;
#pragma omp critical
      failure = std::current_exception();
    }
  }
  if (failure) std::rethrow_exception(failure);
  trained(count);
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
  train.execution.threads = options.execution.threads;
  return train;
}

ProbedExits probe_exits(const Model& model, const LabelledData& data, const ProbeRows& rows,
                        const std::vector<std::string>& taps, const SuggestOptions& options,
                        const ProgressCallback& progress) {
  const int threads = resolve_threads(options.execution.threads);
  const std::size_t scored = rows.scored.size();
  std::vector<std::int64_t> all = rows.scored;
  all.insert(all.end(), rows.learnt.begin(), rows.learnt.end());
  TappedSession mainnet(model, taps, {options.pool, options.token_pool}, threads);
  check_memory(mainnet, static_cast<std::int64_t>(all.size()));
  const Features features = compute(mainnet, model, pick(data, all), options, progress);
  const Parts parts = rows.learnt.empty() ? cross_fit(features.digests, options.seed)
                                          : two_sets(features.digests, scored, options.seed);
  check_parts(parts, scored);

  ProbedExits result;
  result.choosing = parts.choosing;
  result.telling = parts.telling;
  result.left_out =
      static_cast<std::int64_t>(scored - parts.choosing.size() - parts.telling.size());
  result.measured = measure_costs(model, data, rows.scored, taps, mainnet, options, progress);
  MeasuredExits& measured = result.measured;
  const auto shape = Shape{static_cast<std::int64_t>(scored), features.logits.dim(1)};
  for (Tensor& logits : measured.logits) {
    logits = Tensor(DType::f32, shape);
    std::fill_n(logits.mutable_data<float>(), logits.size(),
                0.0f);  // rows that are left out stay so
  }
  std::copy_n(features.logits.data<float>(), measured.logits.back().size(),
              measured.logits.back().mutable_data<float>());
  for (const std::int64_t row : rows.scored)
    measured.labels.push_back(data.labels[static_cast<std::size_t>(row)]);
  measured.digests.assign(features.digests.begin(),
                          features.digests.begin() + static_cast<std::ptrdiff_t>(scored));
  if (model.is_text())
    measured.weight.assign(features.weight.begin(),
                           features.weight.begin() + static_cast<std::ptrdiff_t>(scored));

  TrainingRows learnt;
  learnt.mainnet_logits = features.logits;
  for (const std::int64_t row : all)
    learnt.labels.push_back(data.labels[static_cast<std::size_t>(row)]);
  const auto each = static_cast<std::int64_t>(taps.size()),
             count = each * static_cast<std::int64_t>(parts.folds.size());
  std::int64_t before = 0;
  for (const Fold& fold : parts.folds) {
    split_learnt(fold.learnt, features.digests, options.seed, learnt);
    const auto rows_learnt = static_cast<std::int64_t>(learnt.training.size());
    result.probe_rows = before == 0 ? rows_learnt : std::min(result.probe_rows, rows_learnt);
    train_probes(taps, fold, learnt, features, options, measured.logits, [&](std::int64_t done) {
      const std::int64_t epochs = options.probe_epochs;
      if (progress) progress({"train probes", (before + done) * epochs, count * epochs, ""});
    });
    before += each;
  }
  return result;
}

}  // namespace sidenet
