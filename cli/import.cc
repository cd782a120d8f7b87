#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "assumptions.h"
#include "command.h"
#include "common_options.h"
#include "files.h"
#include "import_try.h"
#include "model_summary.h"
#include "outputs.h"
#include "raw_inputs.h"
#include "sidenet/checkpoint.h"
#include "sidenet/error.h"
#include "sidenet/model.h"
#include "sidenet/npy.h"
#include "sidenet/reference_check.h"
#include "text.h"
#include "wiring_search.h"

namespace sidenet::tools {
namespace {

struct Options {
  CommonOptions common;
  std::string checkpoint, output, labels, mean, std, check;
  std::vector<std::string> drop;
  bool stride_in_1x1 = false, exif_orientation = false;
  ImportOptions import;
  TrialOptions trial;
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

/// What --check names: inputs, and PyTorch's logits in the last file, or in that of "logits=".
struct CheckFiles {
  explicit CheckFiles(const std::string& list) {
    for (const std::string& part : split_commas(list)) {
      const InputFile file(part);
      if (file.named && file.name == "logits") {
        logits = file.path;
      } else {
        inputs.push_back(part);
      }
    }
    if (list.empty() || !logits.empty()) return;
    if (inputs.size() < 2)
      throw Error("--check: expected files of inputs and logits, x.npy,y.npy, got " + list);
    logits = InputFile(inputs.back()).path;
    inputs.pop_back();
  }
  std::vector<std::string> inputs;
  std::string logits;
};

Tensor read_logits(const std::string& path) {
  const Tensor logits = read_npy(path);
  if (logits.dtype() != DType::f32 && logits.dtype() != DType::f64)
    throw Error(path + ": expected float32 logits, got " + dtype_name(logits.dtype()));
  return logits.to_f32();
}

/// A model that was imported already is taken as it is, for --check.
Model open_checkpoint(const Options& options) {
  std::error_code ignored;
  const bool is_file = std::filesystem::is_regular_file(options.checkpoint, ignored);
  if (!options.check.empty() && is_file &&
      read_checkpoint(options.checkpoint).metadata.contains("sidenet.version"))
    return Model::load(options.checkpoint);
  return Model::import_checkpoint(options.checkpoint, options.import);
}

void print_outcome(const Options& options, const Model& model) {
  for (const std::string& note : model.notes()) std::cerr << printable(note) << '\n';
  print_summary(std::cerr, model);
  print_assumptions(std::cerr, model);
  std::error_code gone;
  const auto bytes = std::filesystem::file_size(options.output, gone);
  std::cerr << "written        " << printable(options.output);
  if (!gone) std::cerr << ", " << grouped(static_cast<std::int64_t>(bytes)) << " bytes";
  std::cerr << '\n';
}

int run(Options& options) {
  options.common.check();
  const CheckFiles check(options.check);
  Inputs given;
  given.checkpoint(options.checkpoint, options.import).file("--labels", options.labels);
  for (const std::string& input : check.inputs) given.file("--check", InputFile(input).path);
  if (!options.trial.data.empty()) given.data("--try", options.trial.data);
  check_outputs({{"-o", options.output}}, given.file("--check", check.logits));
  if (!options.labels.empty()) options.import.labels = read_labels(options.labels);
  if (!options.mean.empty()) options.import.mean = channels(options.mean);
  if (!options.std.empty()) options.import.std = channels(options.std);
  for (const std::string& modules : options.drop) {
    for (const std::string& module : split_commas(modules)) options.import.drop.push_back(module);
  }
  if (options.exif_orientation) options.import.exif_orientation = true;
  if (options.stride_in_1x1) options.import.settings["bottleneck_stride"] = "1x1";

  Model model = open_checkpoint(options);
  if (!check.logits.empty()) {
    const RawInputs inputs = read_raw_inputs(model, check.inputs, "--check");
    const Tensor logits = read_logits(check.logits);
    try {
      model = checked_against(model, inputs.batch, logits);
    } catch (const OtherWiring& error) {
      const std::string found =
          wiring_that_agrees(options.checkpoint, options.import, inputs.batch, logits);
      if (found.empty()) throw;
      throw Error(error.what() + ("; it agrees with " + found));
    }
  }
  if (!options.trial.data.empty())
    model = try_on_data(model, options.import, options.trial, options.common);
  model.save(options.output);
  if (!options.common.quiet) print_outcome(options, model);
  return 0;
}

/// Settings that the library takes as text, and checks.
void add_setting(CLI::App& app, ImportOptions& import, const std::string& option,
                 const std::string& setting, const std::string& value,
                 const std::string& description) {
  app.add_option_function<std::string>(
         option, [&import, setting](const std::string& text) { import.settings[setting] = text; },
         description)
      ->option_text(value)
      ->group("What weights do not tell (default: the family's usual)");
}

void add_network_options(CLI::App& app, Options& options) {
  ImportOptions& import = options.import;
  add_setting(app, import, "--stem-stride", "stem_stride", "N", "Stride of the first convolution");
  add_setting(app, import, "--stem-padding", "stem_padding", "N", "Zeros around its input");
  add_setting(app, import, "--stem-pool", "stem_pool", "max|none", "Max pooling behind it");
  add_setting(app, import, "--strides", "strides", "N,N,…", "Stride of each stage, 1,2,2,2 say");
  app.add_flag("--stride-in-1x1", options.stride_in_1x1,
               "Bottlenecks have it in their first convolution, as Caffe's")
      ->group("What weights do not tell (default: the family's usual)");
  add_setting(app, import, "--basic-stride", "basic_stride", "first|second",
              "Which convolution of two has it");
  add_setting(app, import, "--output-stride", "output_stride", "4|8|16",
              "Where it is reached, dilation in the place of stride");
  add_setting(app, import, "--antialias", "antialias", "average|blur",
              "Pooling that takes strides over (resnetaa, resnetblur)");
  add_setting(app, import, "--shortcut-zeros", "shortcut_zeros", "both|behind|before",
              "Where option A's new channels are");
  add_setting(app, import, "--shortcut-pool", "shortcut_pool", "none|average",
              "Option A takes means of 2x2 pixels");
  add_setting(app, import, "--shortcut-input", "shortcut_input", "raw|activated",
              "What 1x1 shortcuts read, where norms stand in front");
  add_setting(app, import, "--head-pool", "head_pool", "KIND",
              "Over all pixels, in front of the head: average, max, max+average, average+max");
  add_setting(app, import, "--norm-groups", "norm_groups", "N", "Of GroupNorm");
  add_setting(app, import, "--epsilon", "epsilon", "E", "Of batch norms or layer norms");
  add_setting(app, import, "--activation", "activation", "NAME", "relu, gelu, …");
  add_setting(app, import, "--head", "head", "MODULE,…", "The head's modules, in their order");
  add_setting(app, import, "--head-activation", "head_activation", "NAME|none",
              "Between its linear layers");
  add_setting(app, import, "--head-input", "head_input", "pooler|cls|mean",
              "What the head of a text reads");
  add_setting(app, import, "--one-logit", "one_logit", "sigmoid",
              "One logit is a sigmoid's: two classes, the second with its probability");
  add_setting(app, import, "--attention-heads", "attention_heads", "N", "Of texts");
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
      "  sidenet import net.pth -o net.safetensors --labels classes.txt --try photos/\n"
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
  sub->add_option("--prefix", options->import.prefix,
                  "The network whose tensors' names begin so, where there are several")
      ->option_text("PREFIX");
  sub->add_option("--drop", options->drop, "Modules that do not change the answers")
      ->allow_extra_args(false)
      ->option_text("MODULE,…");
  sub->add_option("--check", options->check,
                  "Compare with PyTorch's logits y.npy of the rows x.npy; refuse where they differ")
      ->option_text("[NAME=]X,…,Y");
  add_network_options(*sub, *options);
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
  sub->add_option("--size", options->import.size,
                  "Resize to N x N; with a crop, the shorter side to N; 0: no")
      ->option_text("N")
      ->check(CLI::Range(0, Preprocessing::kMaxPixels))
      ->group(group);
  sub->add_option("--crop", options->import.crop, "Cut out the centre N x N; 0: no")
      ->option_text("N")
      ->check(CLI::Range(0, Preprocessing::kMaxPixels))
      ->group(group);
  add_enum_option<Interpolation>(
      *sub, "--interpolation", options->import.interpolation,
      "Pillow's bilinear (default), bicubic, lanczos, hamming, box or nearest")
      ->option_text("NAME")
      ->group(group);
  add_enum_option<CropMode>(*sub, "--crop-mode", options->import.crop_mode,
                            "With a crop: center (default) resizes the shorter side, squash both")
      ->option_text("NAME")
      ->group(group);
  sub->add_flag("--exif-orientation", options->exif_orientation,
                "Turn pictures first as their EXIF tag says (default: as they are stored)")
      ->group(group);
  add_enum_option<ChannelOrder>(*sub, "--channel-order", options->import.channel_order,
                                "rgb (default), or bgr as OpenCV reads pictures; --mean and --std "
                                "are in this order")
      ->option_text("NAME")
      ->group(group);
  add_trial_options(*sub, options->trial);
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
  add_common_options(*sub, options->common, {.batch = false, .seed = true, .kernels = false});
  return {sub, [options] { return run(*options); }};
}

}  // namespace sidenet::tools
