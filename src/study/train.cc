#include <stdlib.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>

#include "data_warnings.h"
#include "joined_dataset.h"
#include "metrics.h"
#include "model_data.h"
#include "prepared_sidenet.h"
#include "row_digests.h"
#include "sidenet/error.h"
#include "split.h"
#include "threads.h"
#include "trainer.h"
#include "training_features.h"

namespace sidenet {
namespace {

/// Where features are kept when the user named no folder: gone at the end, whatever happens.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::error_code error;
    const std::filesystem::path parent = std::filesystem::temp_directory_path(error);
    if (error) throw Error("the folder for temporary files cannot be found: " + error.message());
    path_ = (parent / "sidenet-XXXXXX").string();
    if (::mkdtemp(path_.data()) == nullptr) {
      throw Error(path_ +
                  ": the folder for temporary files cannot be made: " + std::strerror(errno));
    }
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

void check_taps(const Model& model, const TrainOptions& options) {
  const std::vector<std::string>& taps = options.taps;
  if (taps.empty() && !options.head)
    throw Error("train: no tap is named: expected at least one, such as " +
                model.taps().at(0).first);
  std::string known;
  std::set<std::string> names, seen;
  for (const auto& [name, share] : model.taps()) {
    names.insert(name);
    if (names.size() <= 8) known += (known.empty() ? "" : ", ") + name;
  }
  if (names.size() > 8) known += ", … (" + std::to_string(names.size()) + " in all)";
  for (const std::string& tap : taps) {
    if (!names.contains(tap))
      throw Error("train: the model has no tap '" + tap + "': expected one of " + known);
    if (!seen.insert(tap).second) throw Error("train: the tap '" + tap + "' is named twice");
  }
}

/// The split of the data's rows, as rows of the cache: mirrored copies help to train, but are not
/// held out to measure.
void split_cache_rows(const LabelledData& data, const TrainOptions& options, TrainingRows& rows) {
  const std::int64_t copies = copies_of_row(options);
  const Split split = split_rows(data.groups, options.holdout, options.seed);
  for (const std::int64_t row : split.training) {
    for (std::int64_t copy = 0; copy < copies; ++copy) rows.training.push_back(row * copies + copy);
  }
  for (const std::int64_t row : split.holdout) rows.holdout.push_back(row * copies);
  for (const int label : data.labels)
    rows.labels.insert(rows.labels.end(), static_cast<std::size_t>(copies), label);
}

std::string epoch_note(double loss, double holdout_loss, double holdout_accuracy) {
  char text[96];
  if (std::isnan(holdout_loss)) {
    std::snprintf(text, sizeof text, "loss %.4f", loss);
  } else {
    std::snprintf(text, sizeof text, "loss %.4f, held-out loss %.4f, %.2f %%", loss, holdout_loss,
                  100 * holdout_accuracy);
  }
  return text;
}

ExitSpec spec_of(const std::string& name, const std::string& tap, const ops::SideNet& sidenet,
                 double threshold) {
  ExitSpec exit;
  exit.name = name;
  exit.tap = tap;
  exit.pooling = sidenet.pooling;
  exit.hidden = static_cast<int>(sidenet.hidden());
  exit.threshold = threshold;
  return exit;
}

/// Training of one model: features of all taps first, then one MLP after the other.
class Training {
 public:
  Training(const Model& model, const LabelledData& data, TrainOptions options,
           const ProgressCallback& progress)
      : model_(model),
        data_(data),
        options_(std::move(options)),
        progress_(progress),
        trained_(data_of(model)) {
    pooling_.grid = options_.pool;
    pooling_.tokens = options_.token_pool;
    columns_ = options_.taps;
    head_tap_ = model.taps().back().first;
    if (options_.head && std::find(columns_.begin(), columns_.end(), head_tap_) == columns_.end())
      columns_.push_back(head_tap_);
  }

  TrainResult run(const std::string& folder) {
    std::error_code unknown;  // what is wrong with it is told where it is made
    const bool folder_is_new = !std::filesystem::exists(folder, unknown);
    TrainOptions all_taps = options_;
    all_taps.taps = columns_;
    FeatureCache cache(folder, features_key(model_, data_, all_taps),
                       static_cast<std::int64_t>(data_.labels.size()) * copies_of_row(options_),
                       feature_columns(model_, all_taps), features_proof(model_, data_, all_taps));
    TappedSession mainnet(model_, columns_, pooling_, options_.execution.threads);
    compute_features(mainnet, model_, data_, all_taps, cache, progress_);
    split_cache_rows(data_, options_, rows_);
    keep_digests(cache.column(columns_.size() + (model_.has_head() ? 1 : 0)));
    if (options_.head) {
      fit_head(cache);
    } else {
      rows_.mainnet_logits = cache.column(columns_.size());
    }
    for (std::size_t i = 0; i < options_.taps.size(); ++i) {
      const std::string& tap = options_.taps[i];
      rows_.features = cache.column(i);
      const ops::SideNet sidenet = train(tap, {mainnet.pools().at(i), pooling_.tokens}, options_);
      sidenet.put(trained_.weights, tap);
      std::erase_if(trained_.exits, [&](const ExitSpec& exit) { return exit.name == tap; });
      trained_.exits.push_back(spec_of(tap, tap, sidenet, options_.threshold));
    }
    trained_.data_labels = data_.data_labels;
    TrainResult result{make_model(std::move(trained_)), std::move(exits_), data_.notes, warnings()};
    if (!options_.keep_cache) {
      cache.remove();
      std::error_code ignored;  // not empty: other keys are kept there
      if (folder_is_new) std::filesystem::remove(folder, ignored);
    }
    return result;
  }

 private:
  // Of a head that was fitted just now nothing is known that these rows could speak against.
  std::vector<std::string> warnings() const {
    const JoinedDataset all(data_.parts, data_.labels, 0);
    if (options_.head) return warnings_of_pictures(model_, all);
    ClassCounts counts(data_.class_names.size());
    const std::int64_t classes = rows_.mainnet_logits.dim(1), copies = copies_of_row(options_);
    const float* logits = rows_.mainnet_logits.data<float>();
    for (const int label : data_.labels) {
      counts.add(label, static_cast<int>(argmax(logits, classes)));
      logits += copies * classes;
    }
    return data_warnings(model_, all, counts, class_folders(data_.parts));
  }

  // Held-out rows too: they chose the epoch.
  void keep_digests(const Tensor& column) {
    std::vector<std::uint32_t> digests(static_cast<std::size_t>(column.size()));
    std::memcpy(digests.data(), column.data<float>(), digests.size() * sizeof(std::uint32_t));
    if (const auto before = trained_.weights.find(kTrainingRows);
        before != trained_.weights.end()) {
      const std::vector<std::uint32_t> old = digests_of_tensor(before->second);
      digests.insert(digests.end(), old.begin(), old.end());
    }
    trained_.weights.insert_or_assign(kTrainingRows, digests_to_tensor(std::move(digests)));
  }

  ops::SideNet train(const std::string& name, const ops::ExitPooling& pooling,
                     const TrainOptions& options) {
    TrainedSideNet trained =
        train_sidenet(name, rows_, options,
                      [&](int epoch, double loss, double holdout_loss, double holdout_accuracy) {
                        if (progress_)
                          progress_({"train " + name, epoch, options.epochs,
                                     epoch_note(loss, holdout_loss, holdout_accuracy)});
                      });
    exits_.push_back({name, trained.holdout_accuracy, trained.holdout_loss, trained.best_epoch,
                      static_cast<std::int64_t>(rows_.training.size()),
                      static_cast<std::int64_t>(rows_.holdout.size())});
    trained.sidenet.pooling = pooling;
    return std::move(trained.sidenet);
  }

  // The head learns from the labels alone; SideNets then learn from its probabilities too.
  void fit_head(const FeatureCache& cache) {
    const auto column = std::find(columns_.begin(), columns_.end(), head_tap_) - columns_.begin();
    rows_.features = cache.column(static_cast<std::size_t>(column));
    rows_.mainnet_logits = Tensor(
        DType::f32, {rows_.features.dim(0), static_cast<std::int64_t>(data_.class_names.size())});
    TrainOptions options = options_;
    options.soft_targets = 0;
    options.weights = WeightType::f32;
    const ops::SideNet head = train(kFinalExit, pooling_, options);
    trained_.labels = data_.class_names;
    head.put(trained_.weights, kFinalExit);
    trained_.head = spec_of(kFinalExit, head_tap_, head, 0);
    rows_.mainnet_logits = apply(head, rows_.features);
  }

  Tensor apply(const ops::SideNet& sidenet, const Tensor& features) const {
    const ops::PreparedSideNet prepared(sidenet, resolve_threads(options_.execution.threads));
    Tensor logits(DType::f32, {features.dim(0), sidenet.classes()});
    constexpr std::int64_t at_once = 4096;
    for (std::int64_t first = 0; first < features.dim(0); first += at_once) {
      prepared.run(features.data<float>() + first * features.dim(1),
                   static_cast<int>(std::min(at_once, features.dim(0) - first)),
                   logits.mutable_data<float>() + first * logits.dim(1));
    }
    return logits;
  }

  const Model& model_;
  const LabelledData& data_;
  TrainOptions options_;
  const ProgressCallback& progress_;
  ModelData trained_;
  ops::ExitPooling pooling_;
  std::vector<std::string> columns_;
  std::string head_tap_;
  TrainingRows rows_;
  std::vector<TrainedExit> exits_;
};

void check_head(const Model& model, const TrainOptions& options) {
  if (options.head && data_of(model).architecture.classes > 0)
    throw Error("train: head: " + model.architecture() +
                " came with a head of its own, which is never changed here");
  if (!options.head && !model.has_head())
    throw Error("train: " + model.architecture() +
                " has no head: expected options.head (--head), which fits one");
}

}  // namespace

TrainResult train_sidenets(const Model& model,
                           const std::vector<std::shared_ptr<const Dataset>>& data,
                           const TrainOptions& options, const ProgressCallback& progress) {
  check_options(options);
  check_head(model, options);
  check_taps(model, options);
  if (model.is_text() && options.flip)
    throw Error("train: flip: mirrors images, and " + model.architecture() + " takes texts");
  const LabelledData labelled = label_data(model, data);
  std::optional<ScratchFolder> scratch;
  if (options.cache_dir.empty()) scratch.emplace();
  return Training(model, labelled, options, progress)
      .run(scratch ? scratch->path() : options.cache_dir);
}

}  // namespace sidenet
