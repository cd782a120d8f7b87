#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "command.h"
#include "common_options.h"
#include "files.h"
#include "model_summary.h"
#include "outputs.h"
#include "sidenet/error.h"
#include "sidenet/model.h"
#include "text.h"

namespace sidenet::tools {
namespace {

struct Options {
  CommonOptions common;
  std::string checkpoint, output, labels, mean, std;
  ImportOptions import;
};

/// "0.485,0.456,0.406" or "0.5"; "" where it is well-formed, else what is wrong.
std::string check_channels(const std::string& text, bool positive) {
  const auto parts = split_commas(text);
  const bool well_formed = std::all_of(parts.begin(), parts.end(), [&](const std::string& part) {
    const auto value = parse_number(part);
    return value && std::isfinite(static_cast<float>(*value)) &&
           (!positive || static_cast<float>(*value) > 0);
  });
  if (well_formed && (parts.size() == 1 || parts.size() == 3)) return "";
  return "'" + text + "': expected R,G,B, or one value for grey" +
         (positive ? ", each above 0" : "");
}

std::vector<float> channels(const std::string& text) {
  std::vector<float> values;
  for (const std::string& part : split_commas(text))
    values.push_back(static_cast<float>(parse_number(part).value()));
  return values;
}

int run(Options& options) {
  options.common.check();
  check_outputs(
      {{"-o", options.output}},
      Inputs().checkpoint(options.checkpoint, options.import).file("--labels", options.labels));
  if (!options.labels.empty()) options.import.labels = read_labels(options.labels);
  if (!options.mean.empty()) options.import.mean = channels(options.mean);
  if (!options.std.empty()) options.import.std = channels(options.std);

  const Model model = Model::import_checkpoint(options.checkpoint, options.import);
  model.save(options.output);
  if (!options.common.quiet) {
    for (const std::string& note : model.notes()) std::cerr << printable(note) << '\n';
    print_summary(std::cerr, model);
    std::error_code gone;
    const auto bytes = std::filesystem::file_size(options.output, gone);
    std::cerr << "written        " << printable(options.output);
    if (!gone) std::cerr << ", " << grouped(static_cast<std::int64_t>(bytes)) << " bytes";
    std::cerr << '\n';
  }
  return 0;
}

}  // namespace

Command add_import(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* sub =
      app.add_subcommand("import",
                         "Turn a PyTorch or safetensors checkpoint into a model file\n\n"
                         "Reads the weights of a ResNet (.pth, .pt, .th, .safetensors; nothing in "
                         "the file is executed), or the Hugging Face "
                         "folder of a BERT, DistilBERT or MiniLM, recognises the architecture from "
                         "their names and shapes, and writes one "
                         "safetensors file that every other command takes.");
  sub->footer(
      "Example:\n"
      "  sidenet import resnet20.th -o resnet20.safetensors --labels classes.txt\n"
      "  sidenet import minilm-sst2/ -o sst2.safetensors --labels classes.txt");
  sub->add_option("CHECKPOINT", options->checkpoint, "Checkpoint file, or Hugging Face folder")
      ->required()
      ->option_text("CHECKPOINT");
  sub->add_option("-o,--output", options->output, "Model file to write")
      ->required()
      ->option_text("MODEL");
  sub->add_option("--arch", options->import.architecture,
                  "Architecture, e.g. resnet50 (default: recognised)")
      ->option_text("NAME");
  sub->add_option("--labels", options->labels, "Class names, one a line (default: 0, 1, …)")
      ->option_text("FILE");
  const std::string group = "How images become inputs (default: as the family does it)";
  add_enum_option<PreprocessingPreset>(*sub, "--preprocess", options->import.preprocess,
                                       "imagenet, cifar10 or none")
      ->option_text("NAME")
      ->group(group);
  sub->add_option("--mean", options->mean, "Subtracted from pixels in 0 … 1; one value for grey")
      ->option_text("R,G,B")
      ->check([](const std::string& text) { return check_channels(text, false); })
      ->group(group);
  sub->add_option("--std", options->std, "Then divided by; one value for grey")
      ->option_text("R,G,B")
      ->check([](const std::string& text) { return check_channels(text, true); })
      ->group(group);
  sub->add_option("--size", options->import.size, "Resize the shorter side to N pixels; 0: no")
      ->option_text("N")
      ->check(CLI::Range(0, Preprocessing::kMaxPixels))
      ->group(group);
  sub->add_option("--crop", options->import.crop, "Cut out the centre N x N; 0: no")
      ->option_text("N")
      ->check(CLI::Range(0, Preprocessing::kMaxPixels))
      ->group(group);
  const std::string texts = "Text models (default: what lies beside the weights)";
  sub->add_option("--config", options->import.config, "A Hugging Face config.json")
      ->option_text("FILE")
      ->group(texts);
  sub->add_option("--vocab", options->import.vocabulary, "A vocab.txt or tokenizer.json")
      ->option_text("FILE")
      ->group(texts);
  sub->add_option("--max-tokens", options->import.max_tokens, "Longer texts are cut to N tokens")
      ->option_text("N")
      ->check(CLI::Range(4, 1 << 20))
      ->group(texts);
  add_common_options(*sub, options->common, {.threads = false, .batch = false});
  return {sub, [options] { return run(*options); }};
}

}  // namespace sidenet::tools
