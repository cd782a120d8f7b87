#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "input_checks.h"
#include "label_map.h"
#include "model_data.h"
#include "picked_rows.h"
#include "preprocessing_assumptions.h"
#include "preprocessing_candidates.h"
#include "random.h"
#include "sidenet/error.h"
#include "sidenet/preprocessing_trial.h"
#include "sidenet/session.h"
#include "trial_score.h"

namespace sidenet {
namespace {

constexpr std::int64_t kFewestRows = 30, kBatch = 16;
/// Of the candidates so many go on from so many rows to all.
struct Round {
  std::int64_t rows;
  std::size_t kept;
};
constexpr Round kRounds[] = {{32, 12}, {100, 5}};
// That the best is better than chance is tested for all candidates together.
constexpr double kAboveChance = 0.01, kAtMost = 0.001, kHardly = 0.1;

/// At most `wanted` rows: of each class in turn, drawn by the seed; the first ones have as many
/// classes as all.
std::vector<std::int64_t> draw_over_classes(const std::vector<int>& labels, std::size_t classes,
                                            std::int64_t wanted, std::uint64_t seed) {
  std::vector<std::vector<std::int64_t>> left(classes);
  for (std::size_t row = 0; row < labels.size(); ++row)
    left[static_cast<std::size_t>(labels[row])].push_back(static_cast<std::int64_t>(row));
  std::erase_if(left, [](const auto& rows) { return rows.empty(); });
  Random random(seed);
  const auto take_any = [&](auto& from) {
    std::swap(from[random.below(from.size())], from.back());
    auto taken = std::move(from.back());
    from.pop_back();
    return taken;
  };
  std::vector<std::int64_t> drawn;
  const auto most = std::min<std::size_t>(static_cast<std::size_t>(wanted), labels.size());
  while (drawn.size() < most) {
    auto turn = std::exchange(left, {});
    while (!turn.empty()) {
      auto rows = take_any(turn);
      if (drawn.size() < most) drawn.push_back(take_any(rows));
      if (!rows.empty()) left.push_back(std::move(rows));
    }
  }
  return drawn;
}

/// (rows, C, H, W) in 0 … 1, as the network wants it: the bits that preprocess_image() gives.
Tensor normalised(const Tensor& pixels, const Preprocessing& p) {
  Tensor result(DType::f32, pixels.shape());
  const std::int64_t channels = pixels.dim(1), plane = pixels.dim(2) * pixels.dim(3);
  float* to = result.mutable_data<float>();
  for (std::int64_t i = 0; i < pixels.dim(0) * channels; ++i, to += plane) {
    const std::int64_t c = i % channels;
    const std::int64_t from = p.channel_order == ChannelOrder::rgb ? c : channels - 1 - c;
    const float mean = p.mean.empty() ? 0.0f : p.mean[static_cast<std::size_t>(c)],
                std = p.std.empty() ? 1.0f : p.std[static_cast<std::size_t>(c)];
    const float* x = pixels.data<float>() + (i - c + from) * plane;
    std::transform(x, x + plane, to, [&](float value) { return (value - mean) / std; });
  }
  return result;
}

struct Tried {
  Candidate candidate;
  TrialScore score;
  bool same_size(const Tried& other) const {
    const Preprocessing &a = candidate.preprocessing, &b = other.candidate.preprocessing;
    return a.resize == b.resize && a.crop == b.crop;
  }
};

// Of the other steps there is one candidate.
bool is_tried(const std::string& what) {
  return what != "interpolation" && what != "EXIF orientation";
}

class Trial {
 public:
  Trial(const Model& model, const PickedRows& rows, std::vector<int> labels,
        const TryOptions& options, const ProgressCallback& progress)
      : model_(model),
        rows_(rows),
        labels_(std::move(labels)),
        options_(options),
        progress_(progress) {
    const auto side = static_cast<int>(model.input_shape().at(1));
    for (Candidate& candidate :
         preprocessing_candidates(model.preprocessing(), side, picture_sizes(rows), options))
      tried_.push_back({std::move(candidate), {}});
  }

  PreprocessingTrial run() {
    PreprocessingTrial trial;
    trial.candidates = static_cast<std::int64_t>(tried_.size());
    trial.rows = rows_.rows();
    if (trial.candidates == 1)
      throw Error("try: nothing is left to try: size, mean, std and channel order are all given");
    std::int64_t done = 0;
    for (const Round& round : kRounds) {
      if (2 * round.rows >= rows_.rows() || round.kept >= tried_.size()) continue;
      answer(std::exchange(done, round.rows), round.rows);
      keep_best(round.kept);
    }
    answer(done, rows_.rows());
    const std::vector<std::size_t> ranked = ranking();
    const Tried& best = tried_[ranked.front()];
    trial.chosen = ranked.front();
    trial.refusal = refusal(best.score.counts(), trial.candidates);
    if (trial.refusal.empty()) trial.chosen = choose(ranked);
    for (const std::size_t i : ranked) {
      const Tried& each = tried_[i];
      if (i == 0) trial.assumed = trial.tried.size();
      if (i == trial.chosen) chosen_place_ = trial.tried.size();
      trial.tried.push_back({each.candidate.preprocessing, each.candidate.normalisation,
                             each.score.right(), each.score.log_loss()});
    }
    trial.chosen = chosen_place_;
    return trial;
  }

 private:
  /// Rows first … last, of all that are still tried, one size after the other: each has kernels and
  /// buffers of its own.
  void answer(std::int64_t first, std::int64_t last) {
    for (std::size_t begin = 0; begin < tried_.size();) {
      std::size_t end = begin + 1;
      while (end < tried_.size() && tried_[end].same_size(tried_[begin])) ++end;
      const std::span<Tried> same_size(tried_.begin() + static_cast<std::ptrdiff_t>(begin),
                                       tried_.begin() + static_cast<std::ptrdiff_t>(end));
      answer(same_size, first, last);
      begin = end;
    }
    const std::span<const int> labels(labels_.data(), static_cast<std::size_t>(last));
    for (Tried& each : tried_) each.score.judge(labels, model_.labels().size());
  }

  void answer(std::span<Tried> same_size, std::int64_t first, std::int64_t last) {
    Preprocessing plain = same_size.front().candidate.preprocessing;
    plain.mean.clear(), plain.std.clear();
    plain.channel_order = ChannelOrder::rgb;
    const Model sized = with_preprocessing(model_, plain);
    Session session(sized, {.execution = options_.execution, .mark_failed_rows = true});
    // Pictures that keep their own sizes do not stand in one batch.
    const std::int64_t batch_rows = plain.size() > 0 ? kBatch : 1;
    for (std::int64_t row = first; row < last; row += batch_rows) {
      const std::int64_t count = std::min(batch_rows, last - row);
      const Batch batch = batch_of(sized, rows_, row, count, options_.execution.threads);
      for (Tried& each : same_size) {
        each.score.take(session.run(normalised(batch.inputs, each.candidate.preprocessing),
                                    ExitPolicy::final_only()));
      }
      const auto all = static_cast<std::int64_t>(tried_.size());
      const auto before = static_cast<std::int64_t>(same_size.data() - tried_.data());
      const double share =
          static_cast<double>(row + count - first) / static_cast<double>(last - first);
      if (progress_) {
        progress_(
            {"try " + std::to_string(all) + " preprocessings on " + std::to_string(last) + " rows",
             before + static_cast<std::int64_t>(share * static_cast<double>(same_size.size())), all,
             ""});
      }
    }
  }

  /// Best first; the assumed one before others that are as good.
  std::vector<std::size_t> ranking() const {
    std::vector<std::size_t> ranked(tried_.size());
    std::iota(ranked.begin(), ranked.end(), std::size_t{0});
    std::stable_sort(ranked.begin(), ranked.end(), [&](std::size_t a, std::size_t b) {
      return tried_[a].score.is_before(tried_[b].score);
    });
    return ranked;
  }

  /// By accuracy and by log loss; and what lies between the best one and what was assumed, so that
  /// only what matters is changed.
  void keep_best(std::size_t count) {
    const auto last = static_cast<std::ptrdiff_t>(count);
    const std::vector<std::size_t> ranked = ranking();
    std::set<std::size_t> best(ranked.begin(), ranked.begin() + last);
    std::vector<std::size_t> by_loss = ranked;
    std::stable_sort(by_loss.begin(), by_loss.end(), [&](std::size_t a, std::size_t b) {
      return tried_[a].score.log_loss() < tried_[b].score.log_loss();
    });
    best.insert(by_loss.begin(), by_loss.begin() + last);
    const Candidate first = tried_[ranked.front()].candidate;
    std::vector<Tried> kept;
    for (std::size_t i = 0; i < tried_.size(); ++i) {
      if (best.contains(i) || is_between(tried_[i].candidate, first))
        kept.push_back(std::move(tried_[i]));
    }
    tried_ = std::move(kept);
  }

  static bool is_between(const Candidate& candidate, const Candidate& best) {
    const Preprocessing &p = candidate.preprocessing, &q = best.preprocessing;
    return (!candidate.other_size || (p.resize == q.resize && p.crop == q.crop)) &&
           (!candidate.other_normalisation || candidate.normalisation == best.normalisation) &&
           (!candidate.other_order || p.channel_order == q.channel_order);
  }

  std::size_t choose(std::vector<std::size_t> ranked) const {
    const std::size_t best = ranked.front();
    const auto is_beaten = [&](std::size_t i) {
      return std::any_of(tried_.begin(), tried_.end(),
                         [&](const Tried& each) { return each.score.beats(tried_[i].score); });
    };
    std::stable_sort(ranked.begin(), ranked.end(), [&](std::size_t a, std::size_t b) {
      const int of_a = tried_[a].candidate.changes(), of_b = tried_[b].candidate.changes();
      return of_a != of_b ? of_a < of_b : tried_[a].score.log_loss() < tried_[b].score.log_loss();
    });
    const auto found = std::find_if_not(ranked.begin(), ranked.end(), is_beaten);
    return found == ranked.end() ? best : *found;  // where they beat each other in a circle
  }

  static std::string refusal(const ClassCounts& counts, std::int64_t candidates) {
    const BalancedAccuracy best = balanced_accuracy(counts);
    const bool above = best.above_chance(kAboveChance / static_cast<double>(candidates)) &&
                       best.upper(kAtMost) >= best.chance + kHardly * (1 - best.chance);
    if (above) return "";
    const auto percent = [](double share) {
      return std::to_string(static_cast<int>(std::lround(100 * share))) + " %";
    };
    return "none of " + std::to_string(candidates) + " preprocessings is better than chance on " +
           std::to_string(counts.rows) + " rows: right on " + percent(best.value) +
           " of a class's rows at best, chance " + percent(best.chance) +
           ": are the labels in the network's order (--labels)?";
  }

  const Model& model_;
  const PickedRows& rows_;
  std::vector<int> labels_;
  const TryOptions& options_;
  const ProgressCallback& progress_;
  std::vector<Tried> tried_;  // the assumed one first; those of one size stand together
  std::size_t chosen_place_ = 0;
};

void check(const Model& model, const TryOptions& options) {
  if (model.is_text())
    throw Error("try: expected a network that takes images, and " + model.architecture() +
                " takes texts");
  if (!model.has_head()) throw Error("try: " + model.architecture() + " has no head");
  if (options.rows < kFewestRows)
    throw Error("try: rows: expected at least 30, got " + std::to_string(options.rows));
}

}  // namespace

PreprocessingTrial try_preprocessing(const Model& model, const Dataset& data,
                                     const TryOptions& options, const ProgressCallback& progress) {
  check(model, options);
  check_kind(model, data);
  LabelMap map = map_labels(data, classes_of(model));
  const std::vector<int>& labels = map.of_rows;
  if (static_cast<std::int64_t>(labels.size()) < kFewestRows)
    throw Error("try: expected at least 30 labelled rows, got " + std::to_string(labels.size()));
  if (std::set<int>(labels.begin(), labels.end()).size() < 2)
    throw Error("try: expected rows of two classes or more, got one class alone");
  const std::vector<std::int64_t> drawn =
      draw_over_classes(labels, model.labels().size(), options.rows, options.seed);
  std::vector<int> drawn_labels;
  for (const std::int64_t row : drawn)
    drawn_labels.push_back(labels[static_cast<std::size_t>(row)]);
  const std::shared_ptr<const Dataset> borrowed(std::shared_ptr<const Dataset>(), &data);
  const PickedRows rows(borrowed, drawn);
  PreprocessingTrial trial = Trial(model, rows, std::move(drawn_labels), options, progress).run();
  trial.notes = std::move(map.notes);
  return trial;
}

Model with_preprocessing(const Model& model, const Preprocessing& preprocessing) {
  if (!data_of(model).exits.empty())
    throw Error(data_of(model).source +
                ": expected a model without SideNets, as they were trained with its preprocessing");
  ModelData data = data_of(model);
  data.preprocessing = preprocessing;
  for (Assumption& now : assumptions_of(preprocessing)) {
    now.source = is_tried(now.what) ? AssumptionSource::tried : AssumptionSource::default_value;
    const auto before = std::find_if(data.assumptions.begin(), data.assumptions.end(),
                                     [&](const Assumption& each) { return each.what == now.what; });
    if (before == data.assumptions.end()) {
      data.assumptions.push_back(std::move(now));
    } else if ((before->source != AssumptionSource::option && is_tried(now.what)) ||
               before->value != now.value) {
      *before = std::move(now);
    }
  }
  return make_model(std::move(data));
}

}  // namespace sidenet
