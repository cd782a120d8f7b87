#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "command.h"
#include "common_options.h"
#include "outputs.h"
#include "sidenet/error.h"
#include "sidenet/npy.h"
#include "sidenet/session.h"
#include "text.h"
#include "token_tensors.h"

namespace sidenet::tools {
namespace {

struct Options {
  CommonOptions common{.batch = 64};
  PolicyOptions policy;
  std::string model, output;
  std::vector<std::string> inputs;
};

/// "x.npy" and "name=x.npy"; a file whose own name holds "=" wins.
struct InputFile {
  explicit InputFile(const std::string& text) {
    std::error_code ignored;
    const auto equals = text.find('=');
    named = equals != std::string::npos && !std::filesystem::exists(text, ignored);
    if (named) name = text.substr(0, equals);
    path = named ? text.substr(equals + 1) : text;
  }
  bool named;
  std::string name, path;
};

/// Files by input name; one without a name is the model's first input.
std::map<std::string, std::string> input_paths(const std::vector<std::string>& given,
                                               const std::vector<std::string>& names) {
  std::map<std::string, std::string> paths;
  for (const std::string& text : given) {
    const InputFile file(text);
    const std::string name = file.named ? file.name : names.front();
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      std::string known;
      for (const std::string& n : names) known += (known.empty() ? "" : ", ") + n;
      throw Error("--input: no input '" + name + "'; this model has " + known);
    }
    if (!paths.emplace(name, file.path).second)
      throw Error("--input: '" + name + "' is given twice");
  }
  if (!paths.count(names.front()))
    throw Error("--input: expected '" + names.front() + "' among the inputs");
  return paths;
}

Tensor read_images(const std::string& path) {
  const Tensor tensor = read_npy(path);
  const DType type = tensor.dtype();
  if (type != DType::f32 && type != DType::f64 && type != DType::f16) {
    throw Error(path + ": expected float32 numbers, got " + dtype_name(type));
  }
  if (tensor.rank() != 4)
    throw Error(path + ": expected (rows, channels, height, width), got " +
                to_string(tensor.shape()));
  return tensor.to_f32();
}

TokenRows read_texts(const std::map<std::string, std::string>& paths) {
  const auto file = [&](const char* name) {
    const auto found = paths.find(name);
    return found == paths.end() ? std::string() : found->second;
  };
  return read_token_rows(file("input_ids"), file("attention_mask"), file("token_type_ids"));
}

int run(const Options& options) {
  options.common.check();
  Inputs given;
  given.file("MODEL", options.model).weight_cache(options.common.weight_cache);
  for (const std::string& text : options.inputs) given.file("--input", InputFile(text).path);
  check_outputs({{"-o", options.output}}, given);
  const Model model = Model::load(options.model);
  const ExitPolicy policy = make_policy(options.policy, model);
  const std::vector<std::string> names =
      model.is_text() ? std::vector<std::string>{"input_ids", "attention_mask", "token_type_ids"}
                      : std::vector<std::string>{"input"};
  const auto paths = input_paths(options.inputs, names);
  Batch inputs;
  if (model.is_text()) {
    inputs.tokens = read_texts(paths);
  } else {
    inputs.inputs = read_images(paths.at("input"));
  }
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
      throw Error(paths.at(names.front()) + ": " +
                  (first > 0 ? "from row " + std::to_string(first) + " on: " : "") + error.what());
    }
    for (const std::int64_t row : answers.failed) {
      throw Error(paths.at(names.front()) + ": row " + std::to_string(first + row) + ": " +
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
