#include "import_try.h"

#include <algorithm>
#include <functional>
#include <iostream>
#include <vector>

#include "model_summary.h"
#include "progress.h"
#include "sidenet/error.h"
#include "sidenet/preprocessing_trial.h"
#include "table.h"
#include "text.h"
#include "text_columns_options.h"

namespace sidenet::tools {
namespace {

TryOptions as_try_options(const ImportOptions& import, const TrialOptions& options,
                          const CommonOptions& common) {
  return {.execution = common.execution(),
          .seed = common.seed,
          .rows = options.rows,
          .sizes = !import.preprocess && !import.size && !import.crop && !import.crop_mode,
          .normalisations = !import.preprocess && !import.mean && !import.std,
          .channel_orders = !import.channel_order};
}

std::string size_text(const Preprocessing& p) {
  if (p.size() == 0) return "as it is";
  if (p.resize == 0) return "crop " + std::to_string(p.crop);
  return std::to_string(p.resize) + (p.crop > 0 ? ", crop " + std::to_string(p.crop) : "");
}

std::string share_right(const PreprocessingTrial& trial, std::size_t i) {
  return percent(static_cast<double>(trial.tried[i].right) / static_cast<double>(trial.rows), 1);
}

void print_trial(const PreprocessingTrial& trial) {
  Table table(
      {{""}, {"accuracy", true}, {"log loss", true}, {"size"}, {"mean and std"}, {"channels"}});
  for (std::size_t i = 0; i < trial.tried.size(); ++i) {
    const TriedPreprocessing& each = trial.tried[i];
    const Preprocessing& p = each.preprocessing;
    const bool is_chosen = trial.refusal.empty() && i == trial.chosen;
    table.add({is_chosen ? "->" : "", share_right(trial, i), fixed(each.log_loss, 3), size_text(p),
               each.normalisation + (i == trial.assumed ? " (assumed)" : ""),
               p.channels == 1 ? "grey" : name_of(p.channel_order)});
  }
  std::cerr << grouped(trial.candidates) << " preprocessings tried, these on all "
            << grouped(trial.rows) << " rows:\n";
  table.print(std::cerr);
}

void print_choice(const PreprocessingTrial& trial) {
  const bool is_best = trial.chosen == 0;
  std::cerr << "chosen: " << describe(trial.tried[trial.chosen].preprocessing) << ": "
            << share_right(trial, trial.chosen);
  if (trial.chosen == trial.assumed) {
    std::cerr << ", what was assumed" << (is_best ? "" : ": nothing is clearly better");
  } else {
    std::cerr << ", assumed was " << share_right(trial, trial.assumed);
    if (!is_best) std::cerr << " (the nearest to it that nothing clearly beats)";
  }
  std::cerr << "\nThese rows have chosen: calibrate and report on others\n";
}

}  // namespace

void add_trial_options(CLI::App& app, TrialOptions& options) {
  const std::string group = "Images: what is not given is chosen by labelled rows";
  const std::vector<CLI::Option*> others = app.get_options();
  auto* data =
      app.add_option(
             "--try", options.data,
             "Labelled pictures: tries sizes, means and channel orders on them, and takes the "
             "best")
          ->option_text("DATA")
          ->group(group);
  app.add_option("--try-rows", options.rows,
                 "At most so many of them, over all classes in turn, drawn by the seed (default " +
                     std::to_string(options.rows) + ")")
      ->option_text("N")
      ->check(CLI::Range(std::int64_t{30}, std::int64_t{1} << 32))
      ->group(group);
  add_dataset_options(app, options.dataset);
  for (CLI::Option* option : app.get_options()) {
    if (option == data || std::find(others.begin(), others.end(), option) != others.end()) continue;
    option->needs(data);
    // Texts are refused, so their columns are not shown.
    const bool is_of_texts = option->get_group().starts_with("Columns of text");
    option->group(is_of_texts ? "" : group);
  }
}

Model try_on_data(const Model& model, const ImportOptions& import, const TrialOptions& options,
                  const CommonOptions& common) {
  const auto data = open_dataset(options.data, options.dataset, common.quiet);
  const PreprocessingTrial trial = [&] {
    ProgressBar progress(common.quiet, "preprocessings");
    return try_preprocessing(model, *data, as_try_options(import, options, common),
                             std::ref(progress));
  }();
  if (!common.quiet) {
    for (const std::string& note : trial.notes) std::cerr << printable(note) << '\n';
    print_trial(trial);
  }
  if (!trial.refusal.empty()) throw Error("--try: " + trial.refusal + " no model was written");
  if (!common.quiet) print_choice(trial);
  return with_preprocessing(model, trial.tried[trial.chosen].preprocessing);
}

}  // namespace sidenet::tools
