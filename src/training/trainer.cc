#include "trainer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "adamw.h"
#include "checked.h"
#include "metrics.h"
#include "random.h"
#include "sidenet/error.h"
#include "sidenet_mlp.h"
#include "standardise.h"
#include "threads.h"

namespace sidenet {
namespace {

void check_rows(const std::string& name, const TrainingRows& rows) {
  const auto fail = [&](const std::string& what) { throw Error("train " + name + ": " + what); };
  const auto count = static_cast<std::int64_t>(rows.labels.size());
  if (rows.features.rank() != 2 || rows.features.dim(0) != count || rows.features.dim(1) == 0) {
    fail("features of shape " + to_string(rows.features.shape()) + " for " + std::to_string(count) +
         " labels");
  }
  if (rows.mainnet_logits.rank() != 2 || rows.mainnet_logits.dim(0) != count ||
      rows.mainnet_logits.dim(1) == 0) {
    fail("MainNet logits of shape " + to_string(rows.mainnet_logits.shape()) + " for " +
         std::to_string(count) + " labels");
  }
  if (rows.training.empty()) fail("there are no rows to learn from");
  const std::int64_t classes = rows.mainnet_logits.dim(1);
  for (const auto* side : {&rows.training, &rows.holdout}) {
    for (const std::int64_t row : *side) {
      if (row < 0 || row >= count)
        fail("row " + std::to_string(row) + " of " + std::to_string(count) + " is asked for");
      const float* logits = rows.mainnet_logits.data<float>() + row * classes;
      if (std::any_of(logits, logits + classes,
                      [](float x) { return !(x < std::numeric_limits<float>::infinity()); }))
        fail("MainNet's logits of row " + std::to_string(row) +
             " are not numbers (NaN or infinite)");
      const int label = rows.labels[static_cast<std::size_t>(row)];
      if (label < 0 || label >= classes) {
        fail("row " + std::to_string(row) + " has label " + std::to_string(label) +
             ", expected 0 to " + std::to_string(classes - 1));
      }
    }
  }
}

/// Below about a million multiply-adds a batch, handing the work to other threads costs more than
/// it saves.
int useful_threads(const TrainingRows& rows, const TrainOptions& options) {
  const int threads = resolve_threads(options.execution.threads);
  const double work =
      static_cast<double>(rows.features.dim(1)) * options.hidden * options.batch_rows;
  return work < 1e6 ? 1 : threads;
}

/// One SideNet's training, from the first batch to the best weights.
class Trainer {
 public:
  Trainer(const std::string& name, const TrainingRows& rows, const TrainOptions& options)
      : name_(name),
        rows_(rows),
        options_(options),
        threads_(useful_threads(rows, options)),
        classes_(rows.mainnet_logits.dim(1)),
        batch_rows_(static_cast<int>(std::min<std::size_t>(
            static_cast<std::size_t>(options.batch_rows), rows.training.size()))),
        scale_(Standardisation::measure(name, rows.features, rows.training, threads_)),
        mlp_(static_cast<int>(rows.features.dim(1)), options.hidden, static_cast<int>(classes_),
             batch_rows_, threads_),
        optimiser_(mlp_.parameters().size()),
        order_(rows.training) {
    x_.resize(static_cast<std::size_t>(batch_rows_ * rows.features.dim(1)));
    targets_.resize(static_cast<std::size_t>(batch_rows_ * classes_));
    mlp_.initialise(options.seed);
  }

  TrainedSideNet run(const EpochCallback& progress) {
    TrainedSideNet result;
    result.holdout_loss = result.holdout_accuracy = std::numeric_limits<double>::quiet_NaN();
    std::vector<float> best;
    for (int epoch = 1; epoch <= options_.epochs; ++epoch) {
      const double loss = train_epoch(epoch);
      const auto [holdout_loss, holdout_accuracy] = evaluate_holdout();
      if (!std::isfinite(loss) || (!rows_.holdout.empty() && !std::isfinite(holdout_loss))) {
        throw Error("train " + name_ + ": the loss is not finite in epoch " +
                    std::to_string(epoch) +
                    ": MainNet's outputs are not finite, or the learning rate " +
                    std::to_string(options_.learning_rate) + " is too high");
      }
      if (rows_.holdout.empty() || best.empty() || holdout_loss < result.holdout_loss) {
        result.best_epoch = epoch;
        result.holdout_loss = holdout_loss;
        result.holdout_accuracy = holdout_accuracy;
        best.assign(mlp_.parameters().begin(), mlp_.parameters().end());
      }
      if (progress) progress(epoch, loss, holdout_loss, holdout_accuracy);
      if (epoch - result.best_epoch >= options_.patience) break;
    }
    result.sidenet = sidenet(best);
    if (options_.weights == WeightType::bf16) round_first_layer(best, result);
    return result;
  }

 private:
  /// Rounds the first layer's weights of the result, whose parameters these are, and measures it
  /// again.
  void round_first_layer(const std::vector<float>& parameters, TrainedSideNet& result) {
    result.sidenet.fc1_weight = result.sidenet.fc1_weight.to_bf16();
    const Tensor rounded = result.sidenet.fc1_weight.to_f32();
    const std::span<float> kept = mlp_.parameters();
    std::copy(parameters.begin(), parameters.end(), kept.begin());
    std::copy_n(rounded.data<float>(), rounded.size(),
                kept.subspan(mlp_.fc1_weight().offset).begin());
    const auto [loss, accuracy] = evaluate_holdout();
    result.holdout_loss = loss;
    result.holdout_accuracy = accuracy;
  }

  /// Targets of a batch: (1 - a) onehot + a softmax(MainNet's logits).
  void fill_targets(std::span<const std::int64_t> batch) {
    const float a = static_cast<float>(options_.soft_targets);
    const float* logits = rows_.mainnet_logits.data<float>();
    const auto count = static_cast<std::int64_t>(batch.size());
#pragma omp parallel for num_threads(threads_) schedule(static) if (count * classes_ > 65536)
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t row = batch[static_cast<std::size_t>(i)];
      float* target = targets_.data() + i * classes_;
      if (a > 0) {
        softmax(logits + row * classes_, classes_, 1, target);
        for (std::int64_t c = 0; c < classes_; ++c) target[c] *= a;
      } else {
        std::fill(target, target + classes_, 0.0f);
      }
      target[rows_.labels[static_cast<std::size_t>(row)]] += 1 - a;
    }
  }

  void load(std::span<const std::int64_t> batch) {
    scale_.gather(rows_.features, batch, x_.data(), threads_);
    fill_targets(batch);
  }

  void shuffle(int epoch) {  // Fisher and Yates
    Random random(options_.seed, 16 + static_cast<std::uint64_t>(epoch));
    for (std::size_t i = order_.size(); i > 1; --i)
      std::swap(order_[i - 1], order_[random.below(i)]);
  }

  void step(double rate) {
    optimiser_.begin_step();
    const auto update = [&](SideNetMlp::Part part, double decay) {
      optimiser_.update(mlp_.parameters().subspan(part.offset, part.size),
                        mlp_.gradient().subspan(part.offset, part.size), part.offset, rate, decay,
                        threads_);
    };
    update(mlp_.fc1_weight(), options_.weight_decay);
    update(mlp_.fc1_bias(), 0);
    update(mlp_.fc2_weight(), options_.weight_decay);
    update(mlp_.fc2_bias(), 0);
  }

  /// Mean loss over the epoch's rows, as they were met.
  double train_epoch(int epoch) {
    shuffle(epoch);
    const auto size = static_cast<std::size_t>(batch_rows_);
    const auto epoch_steps = static_cast<std::int64_t>((order_.size() + size - 1) / size);
    const std::int64_t steps = epoch_steps * options_.epochs;
    const std::int64_t warm_up = std::max<std::int64_t>(1, steps / 20);
    double sum = 0;
    for (std::size_t first = 0; first < order_.size(); first += size) {
      const auto batch = std::span<const std::int64_t>(order_).subspan(
          first, std::min(size, order_.size() - first));
      const int count = static_cast<int>(batch.size());
      Dropout dropout{options_.input_dropout, options_.dropout, mix64(options_.seed + 3),
                      static_cast<std::uint64_t>(step_)};
      load(batch);
      mlp_.forward(x_.data(), count, &dropout);
      sum += mlp_.backward(x_.data(), targets_.data(), count, &dropout) * count;
      step(scheduled_rate(options_.learning_rate, step_++, steps, warm_up));
    }
    return sum / static_cast<double>(order_.size());
  }

  struct HoldoutResult {
    double loss, accuracy;
  };
  HoldoutResult evaluate_holdout() {
    const double none = std::numeric_limits<double>::quiet_NaN();
    if (rows_.holdout.empty()) return {none, none};
    const auto size = static_cast<std::size_t>(batch_rows_);
    std::vector<double> losses(size);
    double loss = 0;
    std::int64_t right = 0;
    for (std::size_t first = 0; first < rows_.holdout.size(); first += size) {
      const auto batch = std::span<const std::int64_t>(rows_.holdout)
                             .subspan(first, std::min(size, rows_.holdout.size() - first));
      const int count = static_cast<int>(batch.size());
      load(batch);
      const float* logits = mlp_.forward(x_.data(), count);
      mlp_.losses(targets_.data(), count, losses.data());
      for (std::size_t i = 0; i < batch.size(); ++i) {
        loss += losses[i];
        const std::int64_t answer =
            argmax(logits + static_cast<std::int64_t>(i) * classes_, classes_);
        right += answer == rows_.labels[static_cast<std::size_t>(batch[i])] ? 1 : 0;
      }
    }
    const auto count = static_cast<double>(rows_.holdout.size());
    return {loss / count, static_cast<double>(right) / count};
  }

  ops::SideNet sidenet(const std::vector<float>& parameters) const {
    const auto part = [&](SideNetMlp::Part part, Shape shape) {
      const auto begin = parameters.begin() + static_cast<std::ptrdiff_t>(part.offset);
      return Tensor::from(std::move(shape),
                          {begin, begin + static_cast<std::ptrdiff_t>(part.size)});
    };
    const std::int64_t features = mlp_.features(), hidden = mlp_.hidden();
    return {Tensor::from({features}, scale_.mean),       Tensor::from({features}, scale_.std),
            part(mlp_.fc1_weight(), {hidden, features}), part(mlp_.fc1_bias(), {hidden}),
            part(mlp_.fc2_weight(), {classes_, hidden}), part(mlp_.fc2_bias(), {classes_})};
  }

  const std::string& name_;
  const TrainingRows& rows_;
  const TrainOptions& options_;
  const int threads_;
  const std::int64_t classes_;
  const int batch_rows_;
  const Standardisation scale_;
  SideNetMlp mlp_;
  AdamW optimiser_;
  std::vector<std::int64_t> order_;  // of the training rows, shuffled anew each epoch
  std::vector<float> x_, targets_;   // (batch_rows, features), (batch_rows, classes)
  std::int64_t step_ = 0;
};

}  // namespace

void check_options(const TrainOptions& options) {
  const auto require = [](bool holds, const char* what, double got) {
    if (!holds) throw Error(std::string("train: ") + what + ", got " + std::to_string(got));
  };
  require(options.hidden >= 1 && options.hidden <= 65536, "hidden: expected 1 to 65536",
          options.hidden);
  require(options.pool >= 1 && options.pool <= 256, "pool: expected 1 to 256", options.pool);
  require(options.epochs >= 1, "epochs: expected at least 1", options.epochs);
  require(options.patience >= 1, "patience: expected at least 1", options.patience);
  require(options.batch_rows >= 1 && options.batch_rows <= 65536, "batch_rows: expected 1 to 65536",
          options.batch_rows);
  check_batch(options.execution.batch.value_or(1), "train");
  require(options.learning_rate > 0 && std::isfinite(options.learning_rate),
          "learning_rate: expected above 0", options.learning_rate);
  require(options.weight_decay >= 0 && std::isfinite(options.weight_decay),
          "weight_decay: expected 0 or more", options.weight_decay);
  require(options.dropout >= 0 && options.dropout < 1, "dropout: expected 0 to below 1",
          options.dropout);
  require(options.input_dropout >= 0 && options.input_dropout < 1,
          "input_dropout: expected 0 to below 1", options.input_dropout);
  require(options.soft_targets >= 0 && options.soft_targets <= 1, "soft_targets: expected 0 to 1",
          options.soft_targets);
  require(options.threshold >= 0 && options.threshold <= 1e6, "threshold: expected 0 to 1e6",
          options.threshold);
  require(options.holdout >= 0 && options.holdout < 1, "holdout: expected 0 to below 1",
          options.holdout);
}

TrainedSideNet train_sidenet(const std::string& name, const TrainingRows& rows,
                             const TrainOptions& options, const EpochCallback& progress) {
  check_options(options);
  check_rows(name, rows);
  return Trainer(name, rows, options).run(progress);
}

}  // namespace sidenet
