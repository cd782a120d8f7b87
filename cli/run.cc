#include <algorithm>
#include <chrono>
#include <cstring>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "command.h"
#include "common_options.h"
#include "outputs.h"
#include "raw_inputs.h"
#include "sidenet/error.h"
#include "sidenet/npy.h"
#include "sidenet/session.h"
#include "text.h"

namespace sidenet::tools {
namespace {

struct Options {
  CommonOptions common{.batch = 64};
  PolicyOptions policy;
  std::string model, output;
  std::vector<std::string> inputs;
};

int run(const Options& options) {
  options.common.check();
  Inputs given;
  given.file("MODEL", options.model).weight_cache(options.common.weight_cache);
  for (const std::string& text : options.inputs) given.file("--input", InputFile(text).path);
  check_outputs({{"-o", options.output}}, given);
  const Model model = Model::load(options.model);
  const ExitPolicy policy = make_policy(options.policy, model);
  const auto [inputs, file] = read_raw_inputs(model, options.inputs, "--input");
  const std::int64_t rows = inputs.rows(),
                     classes = static_cast<std::int64_t>(model.labels().size());

  Session session(model, {.execution = options.common.execution(),
                          .weight_cache = options.common.weight_cache,
                          .weight_cache_limit = options.common.weight_cache_bytes(),
                          .mark_failed_rows = true});
  Tensor logits(DType::f32, {rows, classes});
  std::vector<std::int64_t> left(session.exit_names().size());
  const auto start = std::chrono::steady_clock::now();
  for (std::int64_t first = 0; first < rows; first += options.common.batch) {
    Answers answers;
    try {
      answers =
          session.run(rows_of(inputs, first, std::min(options.common.batch, rows - first)), policy);
    } catch (const Error& error) {  // a refused input is told of with its file
      throw Error(file + ": " + (first > 0 ? "from row " + std::to_string(first) + " on: " : "") +
                  error.what());
    }
    for (const std::int64_t row : answers.failed) {
      throw Error(file + ": row " + std::to_string(first + row) + ": " +
                  session.why_failed(answers, row));
    }
    std::memcpy(logits.mutable_data<float>() + first * classes, answers.logits.data<float>(),
                answers.logits.bytes());
    for (const int exit : answers.exit) ++left.at(static_cast<std::size_t>(exit));
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  write_npy(options.output, logits);

  if (!options.common.quiet) {
    std::cerr << grouped(rows) << (rows == 1 ? " row" : " rows") << " in "
              << fixed(seconds.count(), 2) << " s; answered by";
    for (std::size_t i = 0; i < left.size(); ++i) {
      std::cerr << (i > 0 ? ", " : " ") << printable(session.exit_names()[i]) << ' '
                << grouped(left[i]);
    }
    std::cerr << "; logits " << to_string(logits.shape()) << " in " << printable(options.output)
              << '\n';
  }
  return 0;
}

}  // namespace

Command add_run(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* sub =
      app.add_subcommand("run",
                         "Compute the logits of raw tensors (.npy in, .npy out)\n\n"
                         "Takes preprocessed rows as a NumPy file of float32 (rows, channels, "
                         "height, width); of texts integer files (rows, "
                         "tokens): input_ids, and where there are attention_mask and "
                         "token_type_ids. Writes the logits of the exit that "
                         "answered each row, before its temperature: float32 (rows, classes).");
  sub->footer(
      "Example:\n"
      "  sidenet run model.safetensors --input x.npy --output logits.npy --final-only\n"
      "  sidenet run bert.safetensors --input input_ids=i.npy \\\n"
      "      --input attention_mask=m.npy -o logits.npy");
  sub->add_option("MODEL", options->model, "Model file")->required()->option_text("MODEL");
  sub->add_option("--input", options->inputs, "Rows, as x.npy or name=x.npy; may be repeated")
      ->required()
      ->allow_extra_args(false)
      ->option_text("[NAME=]FILE");
  sub->add_option("-o,--output", options->output, "Logits to write")
      ->required()
      ->option_text("FILE");
  add_policy_options(*sub, options->policy);
  add_common_options(*sub, options->common, {.weight_cache = true});
  return {sub, [options] { return run(*options); }};
}

}  // namespace sidenet::tools
