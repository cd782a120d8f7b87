#include "inspect.h"

#include <iostream>
#include <memory>
#include <string>

#include "command.h"
#include "common_options.h"
#include "sidenet/checkpoint.h"
#include "sidenet/model.h"

namespace sidenet::tools {
namespace {

struct Options {
  CommonOptions common;
  InspectOptions inspect;
};

int run(const Options& options) {
  options.common.check();
  Checkpoint checkpoint = read_checkpoint(options.inspect.file);
  if (!checkpoint.metadata.contains("sidenet.version")) {
    inspect_checkpoint(checkpoint, options.inspect);
    return 0;
  }
  checkpoint = Checkpoint();  // never both in memory
  inspect_model(Model::load(options.inspect.file), options.inspect);
  return 0;
}

}  // namespace

Command add_inspect(CLI::App& app) {
  auto options = std::make_shared<Options>();
  InspectOptions& inspect = options->inspect;
  CLI::App* sub = app.add_subcommand(
      "inspect",
      "Show what is in a model or checkpoint file\n\n"
      "Of a model: architecture, input, exits with their thresholds and their share of MainNet's "
      "compute, "
      "and where SideNets can be attached. Of any other checkpoint: its tensors.");
  sub->footer(
      "Examples:\n"
      "  sidenet inspect model.safetensors --nodes\n"
      "  sidenet inspect resnet20.th");
  sub->add_option("FILE", inspect.file, "Model or checkpoint")->required()->option_text("FILE");
  sub->add_flag("--taps", inspect.taps, "All taps that `train --at` takes, not just a few");
  sub->add_flag("--nodes", inspect.nodes, "The graph as it is executed: operation, shape, compute");
  sub->add_flag("--tensors", inspect.tensors, "The tensors of a model");
  sub->add_flag("--json", inspect.json, "Everything, as one JSON object on one line");
  add_common_options(*sub, options->common, {.threads = false, .batch = false});
  return {sub, [options] { return run(*options); }};
}

}  // namespace sidenet::tools
