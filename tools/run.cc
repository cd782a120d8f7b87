#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "command.h"
#include "common_options.h"
#include "files.h"
#include "npy.h"
#include "sidenet/error.h"
#include "sidenet/session.h"
#include "tensor_rows.h"
#include "text.h"

namespace sidenet::tools {
namespace {

struct Options {
  CommonOptions common{.batch = 64};
  PolicyOptions policy;
  std::string model, output;
  std::vector<std::string> inputs;
};

/// The file behind "x.npy" or "input=x.npy". A file whose own name holds "=" wins.
std::string input_path(const std::vector<std::string>& inputs) {
  if (inputs.size() != 1)
    throw Error("--input: this model has the one input 'input', got " + std::to_string(inputs.size()));
  const std::string& text = inputs.front();
  std::error_code ignored;
  const auto equals = text.find('=');
  if (equals == std::string::npos || std::filesystem::exists(text, ignored)) return text;
  const std::string name = text.substr(0, equals);
  if (name != "input") throw Error("--input: no input '" + name + "'; this model has the one input 'input'");
  return text.substr(equals + 1);
}

Tensor read_rows(const std::string& path) {
  const Tensor tensor = read_npy(path);
  const DType type = tensor.dtype();
  if (type != DType::f32 && type != DType::f64 && type != DType::f16) {
    throw Error(path + ": expected float32 numbers, got " + dtype_name(type));
  }
  if (tensor.rank() != 4)
    throw Error(path + ": expected (rows, channels, height, width), got " + to_string(tensor.shape()));
  return tensor.to_f32();
}

/// A refused input is told of with its file.
Answers run_batch(Session& session, const Tensor& batch, const ExitPolicy& policy, const std::string& path) {
  try {
    return session.run(batch, policy);
  } catch (const Error& error) {
    throw Error(path + ": " + error.what());
  }
}

int run(const Options& options) {
  options.common.check();
  const std::string path = input_path(options.inputs);
  check_output(options.output);
  const Model model = Model::load(options.model);
  const ExitPolicy policy = make_policy(options.policy, model);
  const Tensor inputs = read_rows(path);
  const std::int64_t rows = inputs.dim(0), classes = static_cast<std::int64_t>(model.labels().size());

  Session session(model, {.threads = options.common.threads});
  Tensor logits(DType::f32, {rows, classes});
  std::vector<std::int64_t> left(session.exit_names().size());
  const auto start = std::chrono::steady_clock::now();
  for (std::int64_t first = 0; first < rows; first += options.common.batch) {
    const Tensor batch = rows_of(inputs, first, std::min(options.common.batch, rows - first));
    const Answers answers = run_batch(session, batch, policy, path);
    std::memcpy(logits.mutable_data<float>() + first * classes, answers.logits.data<float>(), answers.logits.bytes());
    for (const int exit : answers.exit) ++left.at(static_cast<std::size_t>(exit));
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  write_npy(options.output, logits);

  if (!options.common.quiet) {
    std::cerr << grouped(rows) << (rows == 1 ? " row" : " rows") << " in " << fixed(seconds.count(), 2)
              << " s; answered by";
    for (std::size_t i = 0; i < left.size(); ++i) {
      std::cerr << (i > 0 ? ", " : " ") << printable(session.exit_names()[i]) << ' ' << grouped(left[i]);
    }
    std::cerr << "; logits " << to_string(logits.shape()) << " in " << printable(options.output) << '\n';
  }
  return 0;
}

}  // namespace

Command add_run(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* sub = app.add_subcommand(
      "run",
      "Compute the logits of raw tensors (.npy in, .npy out)\n\n"
      "Takes preprocessed rows as a NumPy file of float32 (rows, channels, height, width) and writes the logits of "
      "the exit that answered each row, before its temperature: float32 (rows, classes).");
  sub->footer(
      "Example:\n"
      "  sidenet run model.safetensors --input x.npy --output logits.npy --final-only");
  sub->add_option("MODEL", options->model, "Model file")->required()->option_text("MODEL");
  sub->add_option("--input", options->inputs, "Rows, as x.npy or input=x.npy")
      ->required()
      ->allow_extra_args(false)
      ->option_text("[NAME=]FILE");
  sub->add_option("-o,--output", options->output, "Logits to write")->required()->option_text("FILE");
  add_policy_options(*sub, options->policy);
  add_common_options(*sub, options->common, {});
  return {sub, [options] { return run(*options); }};
}

}  // namespace sidenet::tools
