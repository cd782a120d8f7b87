#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "certificate_words.h"
#include "command.h"
#include "common_options.h"
#include "json_lines.h"
#include "outputs.h"
#include "picture_notes.h"
#include "progress.h"
#include "row_options.h"
#include "sidenet/calibration.h"
#include "sidenet/error.h"
#include "table.h"
#include "text.h"
#include "text_columns_options.h"
#include "warnings.h"

namespace sidenet::tools {
namespace {

struct Options {
  CommonOptions common;
  DatasetOptions rows;
  std::string model, data, output, budget, budget_p95;
  ConfidenceFit fit = ConfidenceFit::automatic;
  Risk risk = Risk::drop;
  std::string unlabelled, looks;
  DatasetOptions unlabelled_rows;
  std::optional<double> max_risk;
  double delta = 0.1;
  int planned_looks = 0;
  bool by_class = false, distinct = false, keep_training_rows = false;
  bool json = false;
};

/// "8", "8ms".
double milliseconds(const std::string& option, std::string text) {
  if (text.ends_with("ms")) text.resize(text.size() - 2);
  const std::optional<double> value = parse_number(text);
  if (!value) throw Error(option + ": expected milliseconds (8 or 8ms), got '" + text + "'");
  return *value;
}

CalibrateOptions as_calibrate_options(const Options& options) {
  CalibrateOptions result;
  result.execution = options.common.execution();
  result.seed = options.common.seed;
  result.fit = options.fit;
  result.epsilon = options.max_risk;
  result.delta = options.delta;
  result.risk = options.risk;
  result.by_class = options.by_class;
  result.distinct = options.distinct;
  result.looks = options.looks;
  result.planned_looks = options.planned_looks;
  result.keep_training_rows = options.keep_training_rows;
  if (!options.budget.empty()) result.budget = {milliseconds("--budget", options.budget), false};
  if (!options.budget_p95.empty())
    result.budget = {milliseconds("--budget-p95", options.budget_p95), true};
  return result;
}

[[noreturn]] void refuse(const CalibrateResult& result, const Options& options) {
  std::string message =
      "calibrate: expected thresholds that keep " + std::string(name_of(options.risk)) + " at " +
      amount_in_words(options.risk, *options.max_risk) + " or less" +
      (options.by_class ? " in every class" : "") + " (failing " + failing_in_words(options.delta) +
      "), found none on " + grouped(result.rows) + " rows (" + grouped(result.fitting_rows) +
      " fit, " + grouped(result.testing_rows) + " test" +
      (result.unlabelled_rows > 0 ? " with " + grouped(result.unlabelled_rows) + " without labels"
                                  : "") +
      ")";
  if (result.rows_needed) {
    message +=
        "; about " + grouped(*result.rows_needed) +
        " fresh rows like them would do, or as many with these among "
        "them as " +
        (options.looks.empty() ? "a next look, which --looks keeps count of" : "the next look");
  } else {
    message +=
        "; no number of rows would do, or too many to tell: the exits' own risk is too large";
  }
  throw Error(message + "; no model was written");
}

Json as_json(const CalibrateResult& result, const Options& options) {
  Json exits = Json::array();
  for (const CalibratedExit& exit : result.exits) {
    exits.push_back({{"name", exit.name},
                     {"fitted_rows", exit.fitted_rows},
                     {"tested_rows", exit.tested_rows},
                     {"fit", name_of(exit.fit)},
                     {"temperature_before", exit.temperature_before},
                     {"temperature", exit.temperature},
                     {"ece_before", exit.ece_before},
                     {"ece", exit.ece},
                     {"ece_floor", exit.ece_floor},
                     {"threshold", exit.threshold}});
  }
  Json json = {{"rows", result.rows},
               {"left_out", result.left_out},
               {"copies", result.copies},
               {"fitting_rows", result.fitting_rows},
               {"testing_rows", result.testing_rows},
               {"unlabelled_rows", result.unlabelled_rows},
               {"accuracy", result.point.accuracy},
               {"mainnet_accuracy", result.mainnet_accuracy},
               {"agreement", result.point.agreement},
               {"compute_ratio", result.point.compute},
               {"ms_per_row", result.point.ms},
               {"mainnet_ms_per_row", result.mainnet_ms},
               {"exits", exits},
               {"warnings", result.warnings}};
  json["certificate"] = certificate_json(result.certificate);
  if (!options.budget.empty() || !options.budget_p95.empty()) {
    json["budget"] = {{"p95", !options.budget_p95.empty()},
                      {"predicted_ms", result.row_ms},
                      {"measured_ms", result.measured_row_ms}};
  }
  return json;
}

void print(const CalibrateResult& result, const Options& options) {
  std::cout << printable(options.output) << ": calibrated on " << grouped(result.rows) << " rows";
  if (result.left_out > 0)
    std::cout << " (" << grouped(result.left_out)
              << " more were left out: SideNets were trained on them)";
  std::cout << "\n\n";
  Table exits({{"exit"},
               {"rows that reach it", true},
               {"fit"},
               {"temperature", true},
               {"ECE before", true},
               {"after", true},
               {"if perfect", true},
               {"threshold", true}});
  for (const CalibratedExit& exit : result.exits) {
    const bool is_final = &exit == &result.exits.back(), none = exit.tested_rows == 0;
    exits.add({exit.name, grouped(exit.tested_rows), name_of(exit.fit), fixed(exit.temperature, 3),
               none ? "-" : fixed(exit.ece_before, 4), none ? "-" : fixed(exit.ece, 4),
               none ? "-" : fixed(exit.ece_floor, 4),
               is_final             ? "-"
               : exit.threshold > 1 ? "shut"
                                    : fixed(exit.threshold, 4)});
  }
  exits.print(std::cout);
  const double points = 100 * (result.point.accuracy - result.mainnet_accuracy);
  const std::string rows = grouped(result.testing_rows) + " rows";
  std::cout << (result.certificate
                    ? "\nOn the " + rows + " that chose the thresholds (a little flattering)"
                    : "\nOn " + rows + " that no fit has seen")
            << ": accuracy " << percent(result.point.accuracy) << " (MainNet "
            << percent(result.mainnet_accuracy) << ", " << (points < 0 ? "" : "+")
            << fixed(points, 2) << " points), compute " << percent(1 - result.point.compute, 1)
            << " saved, same class as MainNet " << percent(result.point.agreement) << "\n";
  if (result.certificate) print_promise(std::cout, *result.certificate, "Certified: ");
  if (!options.budget.empty() || !options.budget_p95.empty()) {
    std::cout << "\nBudget: " << (options.budget_p95.empty() ? "a mean row" : "95 % of the rows")
              << ": predicted " << fixed(result.row_ms, 3) << " ms, measured "
              << fixed(result.measured_row_ms, 3) << " ms\n";
  }
}

std::shared_ptr<const Dataset> open_unlabelled(const Options& options) {
  DatasetOptions rows = options.unlabelled_rows;
  rows.labelled = false;
  rows.columns = options.rows.columns;
  rows.rows_seed = options.rows.rows_seed;
  rows.skip_broken = options.rows.skip_broken;
  return open_dataset(options.unlabelled, rows, options.common.quiet);
}

int run(const Options& options) {
  options.common.check();
  check_outputs({{"-o", options.output}, {"--looks", options.looks}},
                Inputs()
                    .file("MODEL", options.model)
                    .data("--data", options.data)
                    .unlabelled("--unlabelled", options.unlabelled));
  if (!options.max_risk && (!options.budget.empty() || !options.budget_p95.empty()) &&
      options.risk != Risk::drop)
    throw Error("--risk: goes with --max-drop");
  CalibrateOptions calibrate_options = as_calibrate_options(options);
  const Model model = Model::load(options.model);
  const auto data = open_dataset(options.data, options.rows, options.common.quiet);
  if (!options.unlabelled.empty()) calibrate_options.unlabelled = open_unlabelled(options);
  const CalibrateResult result = [&] {
    ProgressBar progress(options.common.quiet, "rows");
    return calibrate(model, *data, calibrate_options, std::ref(progress));
  }();
  for (const std::string& note : result.notes) std::cerr << printable(note) << '\n';
  print_warnings(result.warnings, options.common.quiet);
  if (options.max_risk && data->left_out() > 0 && !options.common.quiet) {
    std::cerr << "note: the promise is about rows that can be read; left out: "
              << grouped(data->left_out()) << '\n';
  }
  tell_orientations(model, {{options.data, data}}, options.common.quiet);
  if (options.max_risk && !result.certificate) refuse(result, options);
  result.model.save(options.output);
  if (options.json) {
    Json json = as_json(result, options);
    add_taken(json, {{options.data, data}}, options.rows);
    print_json(json);
  } else {
    print(result, options);
  }
  return 0;
}

}  // namespace

Command add_calibrate(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* sub =
      app.add_subcommand("calibrate",
                         "Make confidences true, and choose thresholds that keep a promise\n\n"
                         "Fits each exit's confidence to the rows that reach it, so that of "
                         "answers given with confidence 0.9 nine in ten are "
                         "right. With --max-drop it then chooses the thresholds that save the most "
                         "compute and keep the risk, a promise that fails "
                         "in a share DELTA of calibrations at most: a tenth of the rows fits, the "
                         "others test (exact tests in a fixed order, "
                         "arXiv 2110.01052). Where nothing can be promised it says so and writes "
                         "no model. With --budget it chooses the most accurate thresholds within "
                         "a time measured on this machine. DATA must be rows that no training has "
                         "seen: those that `train` saw are left out.");
  sub->footer(
      "Example:\n"
      "  sidenet calibrate m.safetensors --data d.tsv --max-drop 0.01 -o c.safetensors\n"
      "  sidenet calibrate m.safetensors --data d.tsv --max-drop 0.01 \\\n"
      "      --unlabelled log.txt -o c.safetensors");
  sub->add_option("MODEL", options->model, "Model file")->required()->option_text("MODEL");
  sub->add_option("--data", options->data, "Labelled rows")->required()->option_text("DATA");
  sub->add_option("-o,--output", options->output, "Model file to write")
      ->required()
      ->option_text("MODEL");
  add_dataset_options(*sub, options->rows);
  auto* max_risk = sub->add_option("--max-drop", options->max_risk,
                                   "Risk to promise: 0.01 is one point of accuracy")
                       ->option_text("E")
                       ->check(CLI::Range(0.0, 0.999999));
  sub->add_option("--delta", options->delta,
                  "Share of calibrations in which the promise may fail (default 0.1)")
      ->option_text("D")
      ->check(CLI::Range(1e-9, 0.5))
      ->needs(max_risk);
  add_enum_option<Risk>(
      *sub, "--risk", options->risk,
      "drop (of accuracy, default), disagreement (with MainNet), exit-error (of each exit)")
      ->option_text("RISK")
      ->needs(max_risk);
  const std::string promises = "What a promise stands on";
  auto* unlabelled =
      sub->add_option(
             "--unlabelled", options->unlabelled,
             "Rows without labels, drawn as DATA was: data of any kind whose labels are not looked "
             "at, a folder of images, or texts, one a line")
          ->option_text("DATA")
          ->needs(max_risk)
          ->group(promises);
  sub->add_option("--unlabelled-skip", options->unlabelled_rows.skip,
                  "Leave out the first N of them")
      ->option_text("N")
      ->check(CLI::NonNegativeNumber)
      ->needs(unlabelled)
      ->group(promises);
  add_split_option(*sub, "--unlabelled-split", options->unlabelled_rows.split,
                   "Part A of B of them, or parts A to C, drawn by --rows-seed")
      ->needs(unlabelled)
      ->group(promises);
  sub->add_option("--unlabelled-limit", options->unlabelled_rows.limit, "At most N of them")
      ->option_text("N")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 40))
      ->needs(unlabelled)
      ->group(promises);
  sub->add_flag("--by-class", options->by_class,
                "The promise is for every class, and for all at once")
      ->needs(max_risk)
      ->excludes(unlabelled)
      ->group(promises);
  auto* looks = sub->add_option("--looks", options->looks,
                                "File that keeps count of looks, so that rows that grow may be "
                                "tested again: look k has "
                                "DELTA / (k (k + 1))")
                    ->option_text("FILE")
                    ->needs(max_risk)
                    ->group(promises);
  sub->add_option("--planned-looks", options->planned_looks, "N looks, each with DELTA / N")
      ->option_text("N")
      ->check(CLI::Range(1, 10'000))
      ->needs(looks)
      ->group(promises);
  sub->add_flag(
         "--distinct", options->distinct,
         "One of each of rows that are the same: a promise over different rows, not over traffic")
      ->group(promises);
  auto* budget =
      sub->add_option("--budget", options->budget, "Time a mean row may take, as 8 or 8ms")
          ->option_text("MS");
  auto* budget_p95 =
      sub->add_option("--budget-p95", options->budget_p95, "Time that 95 % of the rows may take")
          ->option_text("MS");
  budget->excludes(max_risk, budget_p95);
  budget_p95->excludes(max_risk);
  add_enum_option<ConfidenceFit>(*sub, "--fit", options->fit,
                                 "automatic (default), temperature, sigmoid or isotonic")
      ->option_text("KIND");
  sub->add_flag("--keep-training-rows", options->keep_training_rows,
                "Use rows that SideNets were trained on, too; not with --max-drop")
      ->excludes(max_risk);
  sub->add_flag("--json", options->json, "One JSON object on stdout");
  add_common_options(*sub, options->common, {.seed = true});
  return {sub, [options] { return run(*options); }};
}

}  // namespace sidenet::tools
