#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "command.h"
#include "common_options.h"
#include "json_lines.h"
#include "model_summary.h"
#include "outputs.h"
#include "progress.h"
#include "sidenet/calibration.h"
#include "sidenet/error.h"
#include "sweep_json.h"
#include "table.h"
#include "text.h"
#include "text_columns_options.h"

namespace sidenet::tools {
namespace {

struct Options {
  CommonOptions common;
  DatasetOptions rows;
  std::string model, data, output, fit = "automatic", risk = "drop", budget, budget_p95;
  std::optional<double> max_risk;
  double delta = 0.1;
  bool keep_training_rows = false;
  bool json = false;
};

Risk risk_named(const std::string& name) {
  for (const Risk risk : {Risk::drop, Risk::disagreement, Risk::exit_error}) {
    if (name == risk_name(risk)) return risk;
  }
  throw Error("--risk: expected drop, disagreement or exit-error, got '" + name + "'");
}

/// "8", "8ms".
double milliseconds(const std::string& option, std::string text) {
  if (text.ends_with("ms")) text.resize(text.size() - 2);
  const std::optional<double> value = parse_number(text);
  if (!value) throw Error(option + ": expected milliseconds (8 or 8ms), got '" + text + "'");
  return *value;
}

CalibrateOptions as_calibrate_options(const Options& options) {
  CalibrateOptions result;
  result.threads = options.common.threads;
  result.batch = options.common.batch;
  result.winograd = !options.common.no_winograd;
  result.seed = options.common.seed;
  result.fit = options.fit;
  result.epsilon = options.max_risk;
  result.delta = options.delta;
  result.risk = risk_named(options.risk);
  result.keep_training_rows = options.keep_training_rows;
  if (!options.budget.empty()) result.budget = {milliseconds("--budget", options.budget), false};
  if (!options.budget_p95.empty()) result.budget = {milliseconds("--budget-p95", options.budget_p95), true};
  return result;
}

[[noreturn]] void refuse(const CalibrateResult& result, const Options& options) {
  const double epsilon = *options.max_risk;
  std::string message = "calibrate: expected thresholds that keep " + options.risk + " at " + percent(epsilon) +
                        " or less with probability " + percent(1 - options.delta, 0) + ", found none on " +
                        std::to_string(result.rows) + " rows (half of them fit, half test)";
  if (result.rows_needed) {
    message += "; about " + grouped(*result.rows_needed) + " such rows would do";
  } else {
    message += "; no number of rows would do: the exits' own risk is larger";
  }
  throw Error(message + "; nothing was written");
}

Json as_json(const CalibrateResult& result, const Options& options) {
  Json exits = Json::array();
  for (const CalibratedExit& exit : result.exits) {
    exits.push_back({{"name", exit.name},
                     {"fitted_rows", exit.fitted_rows},
                     {"tested_rows", exit.tested_rows},
                     {"fit", exit.fit},
                     {"temperature_before", exit.temperature_before},
                     {"temperature", exit.temperature},
                     {"ece_before", exit.ece_before},
                     {"ece", exit.ece},
                     {"ece_floor", exit.ece_floor},
                     {"threshold", exit.threshold}});
  }
  Json json = {{"rows", result.rows},
               {"left_out", result.left_out},
               {"accuracy", result.point.accuracy},
               {"mainnet_accuracy", result.mainnet_accuracy},
               {"agreement", result.point.agreement},
               {"compute_ratio", result.point.compute},
               {"ms_per_row", result.point.ms},
               {"mainnet_ms_per_row", result.mainnet_ms},
               {"exits", exits}};
  json["certificate"] = certificate_json(result.certificate);
  if (!options.budget.empty() || !options.budget_p95.empty()) {
    json["budget"] = {
        {"p95", !options.budget_p95.empty()}, {"predicted_ms", result.row_ms}, {"measured_ms", result.measured_row_ms}};
  }
  return json;
}

void print(const CalibrateResult& result, const Options& options) {
  std::cout << printable(options.output) << ": calibrated on " << grouped(result.rows) << " rows";
  if (result.left_out > 0)
    std::cout << " (" << grouped(result.left_out) << " more were left out: SideNets were trained on them)";
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
    exits.add({exit.name, grouped(exit.tested_rows), exit.fit, fixed(exit.temperature, 3),
               none ? "-" : fixed(exit.ece_before, 4), none ? "-" : fixed(exit.ece, 4),
               none ? "-" : fixed(exit.ece_floor, 4),
               is_final             ? "-"
               : exit.threshold > 1 ? "shut"
                                    : fixed(exit.threshold, 4)});
  }
  exits.print(std::cout);
  const double points = 100 * (result.point.accuracy - result.mainnet_accuracy);
  std::cout << "\nOn rows that no fit has seen: accuracy " << percent(result.point.accuracy) << " (MainNet "
            << percent(result.mainnet_accuracy) << ", " << (points < 0 ? "" : "+") << fixed(points, 2)
            << " points), compute " << percent(1 - result.point.compute, 1) << " saved, same class as MainNet "
            << percent(result.point.agreement) << "\n";
  if (result.certificate) {
    const Certificate& c = *result.certificate;
    std::cout << "\nCertified: " << risk_in_words(c.risk) << " at most " << percent(c.epsilon) << " with probability "
              << percent(1 - c.delta, 0) << ", over rows like these\n  " << grouped(c.rows) << " rows tested, " << c.method
              << ", upper bound " << percent(c.bound) << "\n";
  }
  if (!options.budget.empty() || !options.budget_p95.empty()) {
    std::cout << "\nBudget: " << (options.budget_p95.empty() ? "a mean row" : "95 % of the rows") << ": predicted "
              << fixed(result.row_ms, 3) << " ms, measured " << fixed(result.measured_row_ms, 3) << " ms\n";
  }
}

int run(const Options& options) {
  options.common.check();
  check_outputs({{"-o", options.output}}, Inputs().file("MODEL", options.model).data("--data", options.data));
  if (!options.max_risk && (!options.budget.empty() || !options.budget_p95.empty()) && options.risk != "drop")
    throw Error("--risk: goes with --max-drop");
  const CalibrateOptions calibrate_options = as_calibrate_options(options);
  const Model model = Model::load(options.model);
  const auto data = open_dataset(options.data, options.rows, options.common.quiet);
  const CalibrateResult result = [&] {
    ProgressBar progress(options.common.quiet, "rows");
    return calibrate(model, *data, calibrate_options, std::ref(progress));
  }();
  for (const std::string& note : result.notes) std::cerr << printable(note) << '\n';
  if (options.max_risk && !result.certificate) refuse(result, options);
  result.model.save(options.output);
  if (options.json) {
    print_json(as_json(result, options));
  } else {
    print(result, options);
  }
  return 0;
}

}  // namespace

Command add_calibrate(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* sub = app.add_subcommand(
      "calibrate",
      "Make confidences true, and choose thresholds that keep a promise\n\n"
      "Fits each exit's confidence to the rows that reach it, so that of answers given with confidence 0.9 nine in ten are "
      "right. With --max-drop it then chooses the thresholds that save the most compute and, with probability 1 - DELTA, "
      "keep the risk: half of the rows fit, the other half test (exact tests in a fixed order, arXiv 2110.01052). Where "
      "nothing can be promised it says so and writes nothing. With --budget it chooses the most accurate thresholds within "
      "a time measured on this machine. DATA must be rows that no training has seen: those that `train` saw are left out.");
  sub->footer(
      "Example:\n"
      "  sidenet calibrate m.safetensors --data d.tsv --max-drop 0.01 -o c.safetensors");
  sub->add_option("MODEL", options->model, "Model file")->required()->option_text("MODEL");
  sub->add_option("--data", options->data, "Labelled rows")->required()->option_text("DATA");
  sub->add_option("-o,--output", options->output, "Model file to write")->required()->option_text("MODEL");
  add_dataset_options(*sub, options->rows);
  auto* max_risk = sub->add_option("--max-drop", options->max_risk, "Risk to promise: 0.01 is one point of accuracy")
                       ->option_text("E")
                       ->check(CLI::Range(0.0, 0.999999));
  sub->add_option("--delta", options->delta, "How often the promise may fail, over draws of the rows (default 0.1)")
      ->option_text("D")
      ->check(CLI::Range(1e-9, 0.5))
      ->needs(max_risk);
  sub->add_option("--risk", options->risk,
                  "drop (of accuracy, default), disagreement (with MainNet), exit-error (of each exit)")
      ->option_text("RISK")
      ->check(CLI::IsMember({"drop", "disagreement", "exit-error"}))
      ->needs(max_risk);
  auto* budget = sub->add_option("--budget", options->budget, "Time a mean row may take, as 8 or 8ms")->option_text("MS");
  auto* budget_p95 =
      sub->add_option("--budget-p95", options->budget_p95, "Time that 95 % of the rows may take")->option_text("MS");
  budget->excludes(max_risk, budget_p95);
  budget_p95->excludes(max_risk);
  sub->add_option("--fit", options->fit, "automatic (default), temperature, sigmoid or isotonic")
      ->option_text("KIND")
      ->check(CLI::IsMember({"automatic", "temperature", "sigmoid", "isotonic"}));
  sub->add_flag("--keep-training-rows", options->keep_training_rows, "Use rows that SideNets were trained on, too");
  sub->add_flag("--json", options->json, "One JSON object on stdout");
  add_common_options(*sub, options->common, {.seed = true});
  return {sub, [options] { return run(*options); }};
}

}  // namespace sidenet::tools
