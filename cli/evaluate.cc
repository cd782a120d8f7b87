#include <functional>
#include <iostream>
#include <memory>
#include <string>

#include "certificate_note.h"
#include "command.h"
#include "common_options.h"
#include "json_lines.h"
#include "picture_notes.h"
#include "progress.h"
#include "row_options.h"
#include "sidenet/evaluation.h"
#include "table.h"
#include "text.h"
#include "text_columns_options.h"
#include "warnings.h"

namespace sidenet::tools {
namespace {

struct Options {
  CommonOptions common{.batch = 64};
  PolicyOptions policy;
  DatasetOptions rows;
  std::string model, data;
  bool json = false;
};

Json as_json(const Evaluation& evaluation) {
  Json::object_t exits;  // filled as the list that it is: each [] would look through all before
  for (const ExitReport& exit : evaluation.exits) {
    exits.push_back(
        {exit.name, {{"rows", exit.rows}, {"accuracy", exit.accuracy}, {"ece", exit.ece}}});
  }
  return {{"rows", evaluation.rows},
          {"accuracy", evaluation.accuracy},
          {"mainnet_accuracy", evaluation.mainnet_accuracy},
          {"agreement", evaluation.agreement},
          {"exits", exits},
          {"compute_ratio", evaluation.compute_ratio},
          {"ms_per_row", evaluation.ms_per_row},
          {"mainnet_ms_per_row", evaluation.mainnet_ms_per_row},
          {"warnings", evaluation.warnings}};
}

std::string saved(double ratio) {
  return ratio <= 1 ? percent(1 - ratio, 1) + " saved" : percent(ratio - 1, 1) + " more";
}

void print(const Evaluation& evaluation, const Options& options) {
  const double points = 100 * (evaluation.accuracy - evaluation.mainnet_accuracy);
  std::cout << printable(options.model) << " on " << printable(options.data) << ", "
            << grouped(evaluation.rows) << " rows\n\n";
  Table summary({{""}, {"with exits", true}, {"MainNet", true}, {""}});
  summary.add({"accuracy", percent(evaluation.accuracy), percent(evaluation.mainnet_accuracy),
               (points < 0 ? "" : "+") + fixed(points, 2) + " points"});
  summary.add({"compute", percent(evaluation.compute_ratio, 1), "100.0 %",
               saved(evaluation.compute_ratio)});
  summary.add({"ms a row", fixed(evaluation.ms_per_row, 3), fixed(evaluation.mainnet_ms_per_row, 3),
               saved(evaluation.ms_per_row / evaluation.mainnet_ms_per_row)});
  summary.add({"same class", percent(evaluation.agreement)});
  summary.print(std::cout);
  std::cout << '\n';
  Table exits({{"exit"}, {"rows", true}, {"share", true}, {"accuracy", true}, {"ECE", true}});
  for (const ExitReport& exit : evaluation.exits) {
    const double share = static_cast<double>(exit.rows) / static_cast<double>(evaluation.rows);
    exits.add({exit.name, grouped(exit.rows), percent(share, 1), percent(exit.accuracy),
               fixed(exit.ece, 4)});
  }
  exits.print(std::cout);
}

int run(const Options& options) {
  options.common.check();
  const Model model = Model::load(options.model);
  const ExitPolicy policy = make_policy(options.policy, model);
  const auto data = open_dataset(options.data, options.rows, options.common.quiet);
  const Evaluation evaluation = [&] {
    ProgressBar progress(options.common.quiet, "rows");
    return evaluate(model, *data, policy, options.common.execution(), std::ref(progress));
  }();
  const Execution execution = options.common.execution();
  std::string broken = certificate_note(model, policy, execution, true);
  if (broken.empty() && model.certificate() && count_pictures(*data).jpegs > 0)
    broken = jpeg_note(model, policy, execution);
  if (!broken.empty() && !options.common.quiet) std::cerr << printable(broken) << '\n';
  for (const std::string& note : evaluation.notes) std::cerr << printable(note) << '\n';
  print_warnings(evaluation.warnings, options.common.quiet);
  tell_orientations(model, {{options.data, data}}, options.common.quiet);
  if (options.json) {
    Json json = as_json(evaluation);
    if (data->left_out() > 0) json["left_out"] = data->left_out();
    add_taken(json, {{options.data, data}}, options.rows);
    print_json(json);
  } else {
    print(evaluation, options);
  }
  return 0;
}

}  // namespace

Command add_evaluate(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* sub =
      app.add_subcommand("evaluate",
                         "Measure accuracy, compute and time with exits, against MainNet alone\n\n"
                         "Runs labelled data both ways, 64 rows (or a batch) in turn. Compute is "
                         "multiply-adds that were executed, SideNets "
                         "included, as a share of MainNet's alone; time is wall clock. ECE is the "
                         "expected calibration error in 15 "
                         "bins. DATA is a folder of class folders, an IDX pair images,labels, "
                         "CIFAR binary files, or texts as .tsv, .csv, "
                         ".jsonl or TREC lines.");
  sub->footer(
      "Example:\n"
      "  sidenet evaluate model.safetensors --data test_batch.bin --threshold 0.9");
  sub->add_option("MODEL", options->model, "Model file")->required()->option_text("MODEL");
  sub->add_option("--data", options->data, "Labelled rows")->required()->option_text("DATA");
  add_dataset_options(*sub, options->rows);
  sub->add_flag("--json", options->json, "One JSON object on stdout");
  add_policy_options(*sub, options->policy);
  add_common_options(*sub, options->common, {});
  return {sub, [options] { return run(*options); }};
}

}  // namespace sidenet::tools
