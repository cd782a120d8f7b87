#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

#include "command.h"
#include "common_options.h"
#include "json_lines.h"
#include "outputs.h"
#include "picture_notes.h"
#include "progress.h"
#include "row_options.h"
#include "sidenet/error.h"
#include "sidenet/files.h"
#include "sidenet/training.h"
#include "table.h"
#include "text.h"
#include "text_columns_options.h"
#include "warnings.h"

namespace sidenet::tools {
namespace {

struct Options {
  CommonOptions common{.batch = 64};
  TrainOptions train;
  DatasetOptions rows;
  std::string model, output, taps;
  std::vector<std::string> data;
  bool json = false;
};

/// Throws Error where a tap does not exist or stands twice, before the data is opened.
void check_taps(const std::vector<std::string>& wanted, const Model& model,
                const std::string& file) {
  const auto& taps = model.taps();
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const auto same = [&](const auto& tap) { return tap.first == wanted[i]; };
    if (std::none_of(taps.begin(), taps.end(), same)) {
      throw Error("--at: no tap '" + wanted[i] + "' in " + file +
                  "; `sidenet inspect --taps` lists them");
    }
    if (std::find(wanted.begin(), wanted.begin() + static_cast<std::ptrdiff_t>(i), wanted[i]) !=
        wanted.begin() + static_cast<std::ptrdiff_t>(i)) {
      throw Error("--at: '" + wanted[i] + "' stands twice");
    }
  }
}

ExitInfo exit_named(const Model& model, const std::string& name) {
  for (const ExitInfo& exit : model.exits()) {
    if (exit.name == name) return exit;
  }
  throw Error("training gave no exit '" + name + "'");
}

void print_result(const TrainResult& result, const std::vector<NamedData>& data,
                  const Options& options) {
  Json list = Json::array();
  Table table({{"exit"},
               {"held-out accuracy", true},
               {"loss", true},
               {"best epoch", true},
               {"rows", true},
               {"compute", true}});
  for (const TrainedExit& exit : result.exits) {
    const double compute = exit_named(result.model, exit.name).compute_share;
    list.push_back({{"name", exit.name},
                    {"holdout_accuracy", exit.holdout_accuracy},
                    {"holdout_loss", exit.holdout_loss},
                    {"best_epoch", exit.best_epoch},
                    {"training_rows", exit.training_rows},
                    {"holdout_rows", exit.holdout_rows},
                    {"compute_share", compute}});
    table.add({exit.name, percent(exit.holdout_accuracy), fixed(exit.holdout_loss, 4),
               std::to_string(exit.best_epoch), grouped(exit.training_rows), percent(compute, 1)});
  }
  if (options.json) {
    Json json = {{"model", options.output}, {"exits", list}, {"warnings", result.warnings}};
    add_taken(json, data, options.rows);
    print_json(json);
  } else {
    table.print(std::cout);
  }
}

void check_files(const Options& options) {
  Inputs inputs;
  inputs.file("MODEL", options.model).feature_cache(options.train.cache_dir);
  for (const std::string& spec : options.data) inputs.data("--data", spec);
  check_outputs({{"-o", options.output}}, inputs);
}

int run(Options& options) {
  options.common.check();
  TrainOptions& train = options.train;
  train.execution = options.common.execution();
  train.seed = options.common.seed;
  train.taps = split_commas(options.taps);
  const bool own_cache = train.cache_dir.empty();
  if (own_cache) train.cache_dir = path_beside(options.output, ".cache");
  check_files(options);

  const Model model = Model::load(options.model);
  check_taps(train.taps, model, options.model);
  std::vector<NamedData> named;
  std::vector<std::shared_ptr<const Dataset>> data;
  for (const std::string& spec : options.data) {
    data.push_back(open_dataset(spec, options.rows, options.common.quiet));
    named.emplace_back(spec, data.back());
  }

  const TrainResult result = [&] {
    ProgressBar progress(options.common.quiet, "rows");
    return train_sidenets(model, data, train, std::ref(progress));
  }();
  result.model.save(options.output);
  for (const std::string& note : result.notes) std::cerr << printable(note) << '\n';
  print_warnings(result.warnings, options.common.quiet);
  tell_orientations(model, named, options.common.quiet);
  if (own_cache && !train.keep_cache) {
    std::error_code not_empty;  // other features may lie there
    std::filesystem::remove(train.cache_dir, not_empty);
  }
  if (!options.common.quiet) std::cerr << "written " << printable(options.output) << '\n';
  if (options.json || !options.common.quiet) print_result(result, named, options);
  return 0;
}

void add_training_options(CLI::App& sub, TrainOptions& train) {
  const CLI::Range share(0.0, 0.999), positive(1, 1'000'000);
  const CLI::Validator finite(
      [](const std::string& text) {
        const auto value = parse_number(text);
        return value && *value >= 0 && std::isfinite(*value)
                   ? ""
                   : "'" + text + "': expected a number of at least 0";
      },
      "");
  const std::string sidenet = "SideNets", training = "Training";
  const auto defaults = [](auto value) {
    std::ostringstream text;
    text << " (default " << value << ")";
    return text.str();
  };
  sub.add_option("--hidden", train.hidden, "Width of the hidden layer" + defaults(train.hidden))
      ->option_text("N")
      ->check(positive)
      ->group(sidenet);
  sub.add_option("--pool", train.pool, "Images: taps are averaged to N x N" + defaults(train.pool))
      ->option_text("N")
      ->check(CLI::Range(1, 64))
      ->group(sidenet);
  add_enum_option<TokenPooling>(
      sub, "--token-pool", train.token_pool,
      "Texts: cls, mean or cls+mean" + defaults(name_of(train.token_pool)))
      ->option_text("NAME")
      ->group(sidenet);
  add_enum_option<WeightType>(
      sub, "--weights", train.weights,
      "How the first layer's weights are kept: bf16 (half the bytes to read) or f32" +
          defaults(name_of(train.weights)))
      ->option_text("TYPE")
      ->group(sidenet);
  sub.add_option("--threshold", train.threshold,
                 "Default of the new exits, kept in the model" + defaults(train.threshold))
      ->option_text("T")
      ->check(finite)
      ->group(sidenet);
  sub.add_option("--epochs", train.epochs, "At most" + defaults(train.epochs))
      ->option_text("N")
      ->check(positive)
      ->group(training);
  sub.add_option("--patience", train.patience,
                 "Stop after N epochs without a better held-out loss" + defaults(train.patience))
      ->option_text("N")
      ->check(positive)
      ->group(training);
  sub.add_option("--lr", train.learning_rate, "Learning rate" + defaults(train.learning_rate))
      ->option_text("X")
      ->check(finite)
      ->group(training);
  sub.add_option("--weight-decay", train.weight_decay, "Of AdamW" + defaults(train.weight_decay))
      ->option_text("X")
      ->check(finite)
      ->group(training);
  sub.add_option("--batch-size", train.batch_rows,
                 "Rows of a training step" + defaults(train.batch_rows))
      ->option_text("N")
      ->check(positive)
      ->group(training);
  sub.add_option("--dropout", train.dropout, "On the hidden layer" + defaults(train.dropout))
      ->option_text("P")
      ->check(share)
      ->group(training);
  sub.add_option("--input-dropout", train.input_dropout,
                 "On the features" + defaults(train.input_dropout))
      ->option_text("P")
      ->check(share)
      ->group(training);
  sub.add_option("--soft-targets", train.soft_targets,
                 "Weight of MainNet's own probabilities in the target; 0: labels alone" +
                     defaults(train.soft_targets))
      ->option_text("W")
      ->check(CLI::Range(0.0, 1.0))
      ->group(training);
  sub.add_option("--holdout", train.holdout,
                 "Share of the rows kept out, to stop early" + defaults(train.holdout))
      ->option_text("P")
      ->check(share)
      ->group(training);
  sub.add_flag("--flip", train.flip, "Also train on mirrored images")->group(training);
}

}  // namespace

Command add_train(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* sub = app.add_subcommand(
      "train",
      "Train SideNets on a frozen MainNet\n\n"
      "Runs MainNet once over labelled data, keeps the features at the taps on disk, trains a "
      "SideNet on each, and "
      "writes the model with these exits. MainNet's weights never change. A run that was stopped "
      "goes on from its "
      "cache when it is started again with the same options. DATA is a folder of class folders, an "
      "IDX pair "
      "images,labels, CIFAR binary files, or texts as .tsv, .csv, .jsonl or TREC lines.");
  sub->footer(
      "Example:\n"
      "  sidenet train resnet56.safetensors --data photos/ --at layer1,layer2 \\\n"
      "      -o resnet56_exits.safetensors");
  sub->add_option("MODEL", options->model, "Model file")->required()->option_text("MODEL");
  sub->add_option("--data", options->data, "Labelled rows; may be repeated")
      ->required()
      ->allow_extra_args(false)
      ->option_text("DATA");
  sub->add_option("--at", options->taps, "Where to attach, as `inspect --taps` lists them")
      ->option_text("TAP,...");
  sub->add_flag("--head", options->train.head,
                "Fit the final head too, for an encoder that came without one");
  sub->callback([options] {
    if (options->taps.empty() && !options->train.head) throw CLI::RequiredError("--at");
  });
  sub->add_option("-o,--output", options->output, "Model file to write")
      ->required()
      ->option_text("MODEL");
  add_dataset_options(*sub, options->rows);
  sub->add_option("--cache", options->train.cache_dir,
                  "Folder for the features (default: MODEL.cache)")
      ->option_text("DIR");
  sub->add_flag("--keep-cache", options->train.keep_cache, "Do not remove it after success");
  sub->add_flag("--json", options->json, "The result as one JSON object on stdout");
  add_training_options(*sub, options->train);
  add_common_options(*sub, options->common, {.seed = true, .kernels = false});
  return {sub, [options] { return run(*options); }};
}

}  // namespace sidenet::tools
