#include <stdlib.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <optional>
#include <set>

#include "model_data.h"
#include "sidenet/error.h"
#include "split.h"
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
      throw Error(path_ + ": the folder for temporary files cannot be made: " + std::strerror(errno));
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

void check_taps(const Model& model, const std::vector<std::string>& taps) {
  if (taps.empty()) throw Error("train: no tap is named: expected at least one, such as " + model.taps().at(0).first);
  std::string known;
  std::set<std::string> names, seen;
  for (const auto& [name, share] : model.taps()) {
    names.insert(name);
    if (names.size() <= 8) known += (known.empty() ? "" : ", ") + name;
  }
  if (names.size() > 8) known += ", … (" + std::to_string(names.size()) + " in all)";
  for (const std::string& tap : taps) {
    if (!names.contains(tap)) throw Error("train: the model has no tap '" + tap + "': expected one of " + known);
    if (!seen.insert(tap).second) throw Error("train: the tap '" + tap + "' is named twice");
  }
}

/// The split of the data's rows, as rows of the cache: mirrored copies help to train, but are not held out to measure.
void split_cache_rows(const LabelledData& data, const TrainOptions& options, TrainingRows& rows) {
  const std::int64_t copies = copies_of_row(options);
  const Split split = split_rows(data.groups, options.holdout, options.seed);
  for (const std::int64_t row : split.training) {
    for (std::int64_t copy = 0; copy < copies; ++copy) rows.training.push_back(row * copies + copy);
  }
  for (const std::int64_t row : split.holdout) rows.holdout.push_back(row * copies);
  for (const int label : data.labels) rows.labels.insert(rows.labels.end(), static_cast<std::size_t>(copies), label);
}

std::string epoch_note(double loss, double holdout_loss, double holdout_accuracy) {
  char text[96];
  if (std::isnan(holdout_loss)) {
    std::snprintf(text, sizeof text, "loss %.4f", loss);
  } else {
    std::snprintf(text, sizeof text, "loss %.4f, held-out loss %.4f, %.2f %%", loss, holdout_loss, 100 * holdout_accuracy);
  }
  return text;
}

void attach(ModelData& model, const std::string& tap, int pool, double threshold, const SideNetWeights& weights) {
  const std::string scope = "exits." + tap + ".";
  model.weights.insert_or_assign(scope + "mean", weights.mean);
  model.weights.insert_or_assign(scope + "std", weights.std);
  model.weights.insert_or_assign(scope + "fc1.weight", weights.fc1_weight);
  model.weights.insert_or_assign(scope + "fc1.bias", weights.fc1_bias);
  model.weights.insert_or_assign(scope + "fc2.weight", weights.fc2_weight);
  model.weights.insert_or_assign(scope + "fc2.bias", weights.fc2_bias);
  std::erase_if(model.exits, [&](const ExitSpec& exit) { return exit.name == tap; });
  ExitSpec exit;
  exit.name = exit.tap = tap;
  exit.pool = pool;
  exit.hidden = static_cast<int>(weights.fc1_bias.size());
  exit.threshold = threshold;
  model.exits.push_back(exit);
}

}  // namespace

TrainResult train_sidenets(const Model& model, const std::vector<std::shared_ptr<const Dataset>>& data,
                           const TrainOptions& options, const ProgressCallback& progress) {
  check_options(options);
  check_taps(model, options.taps);
  const LabelledData labelled = label_data(model, data);

  std::optional<ScratchFolder> scratch;
  if (options.cache_dir.empty()) scratch.emplace();
  const std::string folder = scratch ? scratch->path() : options.cache_dir;
  const bool folder_is_new = !std::filesystem::exists(folder);
  std::vector<std::string> columns = options.taps;
  columns.push_back("logits");
  FeatureCache cache(folder, features_key(model, labelled, options),
                     static_cast<std::int64_t>(labelled.labels.size()) * copies_of_row(options), columns);
  TappedSession mainnet(model, options.taps, options.pool, options.threads);
  compute_features(mainnet, model, labelled, options, cache, progress);

  TrainingRows rows;
  rows.mainnet_logits = cache.column(options.taps.size());
  split_cache_rows(labelled, options, rows);
  ModelData trained = *model.data();
  trained.plans.reset();
  std::vector<TrainedExit> exits;
  for (std::size_t i = 0; i < options.taps.size(); ++i) {
    const std::string& tap = options.taps[i];
    rows.features = cache.column(i);
    const TrainedSideNet sidenet =
        train_sidenet(tap, rows, options, [&](int epoch, double loss, double holdout_loss, double holdout_accuracy) {
          if (progress) progress({"train " + tap, epoch, options.epochs, epoch_note(loss, holdout_loss, holdout_accuracy)});
        });
    attach(trained, tap, mainnet.pools().at(i), options.threshold, sidenet.weights);
    exits.push_back({tap, sidenet.holdout_accuracy, sidenet.holdout_loss, sidenet.best_epoch,
                     static_cast<std::int64_t>(rows.training.size()), static_cast<std::int64_t>(rows.holdout.size())});
  }
  TrainResult result{make_model(std::move(trained)), std::move(exits)};
  if (!options.keep_cache) {
    cache.remove();
    std::error_code ignored;  // not empty: other keys are kept there
    if (folder_is_new) std::filesystem::remove(folder, ignored);
  }
  return result;
}

}  // namespace sidenet
