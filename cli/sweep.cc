#include <filesystem>
#include <functional>
#include <iostream>
#include <memory>
#include <string>

#include "certificate_note.h"
#include "command.h"
#include "common_options.h"
#include "html_report.h"
#include "outputs.h"
#include "picture_notes.h"
#include "progress.h"
#include "row_options.h"
#include "sidenet/files.h"
#include "sweep_json.h"
#include "table.h"
#include "text.h"
#include "text_columns_options.h"
#include "warnings.h"

namespace sidenet::tools {
namespace {

struct Options {
  CommonOptions common;
  DatasetOptions rows;
  std::string model, data, output, json_file, csv_file;
};

/// As it could be typed again, without folders.
std::string command_line(const Options& options) {
  const auto name = [](const std::string& path) {
    return std::filesystem::path(path).filename().string();
  };
  std::string line = "sidenet sweep " + name(options.model) + " --data " + name(options.data) +
                     " -o " + name(options.output);
  for (const auto& [option, value] : row_words(options.rows)) line += " " + option + " " + value;
  if (options.common.batch != 1) line += " --batch " + std::to_string(options.common.batch);
  if (options.common.threads != 0) line += " --threads " + std::to_string(options.common.threads);
  if (options.common.no_winograd) line += " --no-winograd";
  if (options.common.kernels != Kernels::automatic)
    line += " --kernels " + std::string(name_of(options.common.kernels));
  return line;
}

void add_point(Table& table, const std::string& name, const OperatingPoint& point,
               const Sweep& sweep) {
  const double points = 100 * (point.accuracy - sweep.mainnet_accuracy);
  table.add({name, percent(point.accuracy), (points < 0 ? "" : "+") + fixed(points, 2),
             percent(point.agreement), percent(1 - point.compute, 1),
             percent(1 - point.ms / sweep.mainnet_ms, 1)});
}

/// Of a curve, the cheapest point that loses at most so many points of accuracy.
const OperatingPoint* cheapest(const std::vector<OperatingPoint>& curve, double least_accuracy) {
  const OperatingPoint* best = nullptr;
  for (const OperatingPoint& point : curve) {
    if (point.accuracy >= least_accuracy && (!best || point.compute < best->compute)) best = &point;
  }
  return best;
}

void print(const Sweep& sweep, const Options& options) {
  std::cout << printable(options.model) << " on " << printable(options.data) << ", "
            << grouped(static_cast<std::int64_t>(sweep.scores.rows())) << " rows: MainNet "
            << percent(sweep.mainnet_accuracy) << ", " << fixed(sweep.mainnet_ms, 3)
            << " ms a row\n\n";
  Table table({{"operating point"},
               {"accuracy", true},
               {"points", true},
               {"as MainNet", true},
               {"compute saved", true},
               {"time saved", true}});
  add_point(table, "the model's own thresholds", sweep.current, sweep);
  for (const double loss : {0.0, 0.25, 0.5, 1.0, 2.0}) {
    const double least = sweep.mainnet_accuracy - loss / 100 - 1e-12;
    const std::string lost =
        loss == 0 ? "nothing lost" : "at most " + fixed(loss, 2) + " points lost";
    if (const OperatingPoint* point = cheapest(sweep.uniform, least)) {
      const double threshold = point->thresholds.front();
      add_point(table,
                lost + ", one threshold " + (threshold > 1 ? "(all shut)" : fixed(threshold, 4)),
                *point, sweep);
    }
    if (const OperatingPoint* point = cheapest(sweep.joint, least))
      add_point(table, lost + ", one an exit", *point, sweep);
  }
  table.print(std::cout);
  std::cout << "\nThresholds one an exit were chosen on these very rows: on others expect a little "
               "less.\n\n";
  Table exits({{"exit"},
               {"accuracy", true},
               {"ECE", true},
               {"uncalibrated", true},
               {"of those that reach it", true},
               {"AUROC", true},
               {"right where MainNet is wrong", true}});
  for (const SweptExit& exit : sweep.exits) {
    exits.add({exit.info.name, percent(exit.all.accuracy), fixed(exit.all.ece, 4),
               fixed(exit.all_uncalibrated.ece, 4), fixed(exit.reached.ece, 4),
               fixed(exit.all.auroc, 3), grouped(exit.exit_only)});
  }
  exits.print(std::cout);
}

int run(const Options& options) {
  options.common.check();
  check_outputs(
      {{"-o", options.output}, {"--json", options.json_file}, {"--csv", options.csv_file}},
      Inputs().file("MODEL", options.model).data("--data", options.data));
  const Model model = Model::load(options.model);
  const auto data = open_dataset(options.data, options.rows, options.common.quiet);
  const Sweep result = [&] {
    ProgressBar progress(options.common.quiet, "rows");
    return sweep(model, *data,
                 {.execution = options.common.execution(), .seed = options.common.seed},
                 std::ref(progress));
  }();
  for (const std::string& note : result.notes) std::cerr << printable(note) << '\n';
  print_warnings(result.warnings, options.common.quiet);
  tell_orientations(model, {{options.data, data}}, options.common.quiet);
  const std::string broken = file_note(model);
  if (!broken.empty() && !options.common.quiet) std::cerr << printable(broken) << '\n';
  Json report =
      sweep_json(model, *data, result,
                 {std::filesystem::path(options.model).filename().string(),
                  std::filesystem::path(options.data).filename().string(), command_line(options),
                  thread_count(options.common.execution()), options.common.batch});
  add_taken(report, {{std::filesystem::path(options.data).filename().string(), data}},
            options.rows);
  const std::string text = json_text(report);
  if (!options.json_file.empty()) write_file(options.json_file, text + "\n");
  if (!options.csv_file.empty()) write_file(options.csv_file, sweep_csv(result));
  write_file(options.output, html_report(nlohmann::json::parse(text)));
  print(result, options);
  std::cout << '\n' << printable(options.output) << ": open it in a browser\n";
  return 0;
}

}  // namespace

Command add_sweep(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* sub =
      app.add_subcommand("sweep",
                         "Explore compute against accuracy: every threshold, from one pass\n\n"
                         "Runs each row once through MainNet and all SideNets, then computes what "
                         "every choice of thresholds would have "
                         "given: accuracy, agreement with MainNet, compute, time, and who answers. "
                         "The report is one page that works offline, "
                         "with sliders; --json and --csv hold the same figures. Times are those of "
                         "--batch rows together.");
  sub->footer(
      "Example:\n"
      "  sidenet sweep m.safetensors --data test_batch.bin -o r.html --csv c.csv");
  sub->add_option("MODEL", options->model, "Model file")->required()->option_text("MODEL");
  sub->add_option("--data", options->data, "Labelled rows")->required()->option_text("DATA");
  sub->add_option("-o,--output", options->output, "Page to write")
      ->required()
      ->option_text("report.html");
  add_dataset_options(*sub, options->rows);
  sub->add_option("--json", options->json_file, "Also write the figures as JSON")
      ->option_text("FILE");
  sub->add_option("--csv", options->csv_file, "Also write the operating points as CSV")
      ->option_text("FILE");
  add_common_options(*sub, options->common, {.seed = true});
  return {sub, [options] { return run(*options); }};
}

}  // namespace sidenet::tools
