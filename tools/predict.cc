#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "command.h"
#include "common_options.h"
#include "files.h"
#include "predict_writer.h"
#include "sidenet/dataset.h"
#include "sidenet/error.h"
#include "sidenet/session.h"
#include "tensor_rows.h"
#include "text.h"

namespace sidenet::tools {
namespace {

struct Options {
  CommonOptions common;
  PolicyOptions policy;
  std::string model;
  std::vector<std::string> inputs;
  std::vector<std::string> text;
  std::optional<int> top_k;
  bool probabilities = false, json = false;
};

/// Prepares images, runs those of one shape together, and writes the answers in the order of the images. An image that
/// fails is told of on stderr, and the others go on.
class Predictor {
 public:
  Predictor(const Model& model, const Options& options, const PredictionWriter::Options& writing)
      : model_(model),
        policy_(make_policy(options.policy, model)),
        session_(model, {.threads = options.common.threads}),
        exits_(model.exits()),
        writer_(model.labels(), session_.exit_names(), writing),
        batch_(static_cast<std::size_t>(options.common.batch)) {}

  void add(const std::string& name) {
    Tensor input;
    try {
      const Preprocessing& preprocessing = model_.preprocessing();
      input = preprocess_image(read_image(name, preprocessing.channels), preprocessing);
    } catch (const Error& error) {
      report(error.what());
      return;
    }
    if (!inputs_.empty() && inputs_.front().shape() != input.shape()) flush();
    names_.push_back(name);
    inputs_.push_back(std::move(input));
    if (inputs_.size() == batch_) flush();
  }

  void flush() {
    if (inputs_.empty()) return;
    try {
      answer();
    } catch (const Error& error) {
      for (const std::string& name : names_) report(name + ": " + error.what());
    }
    names_.clear();
    inputs_.clear();
  }

  void report(const std::string& message) {
    std::cout.flush();
    std::cerr << "sidenet: " << printable(message) << std::endl;
    failed_ = true;
  }
  bool failed() const { return failed_; }

 private:
  void answer() {
    const Tensor inputs = stack(inputs_);
    // Makes the plan where the shape is new: that is not part of an answer's time.
    session_.mainnet_multiply_adds(inputs_.front().shape());
    const auto start = std::chrono::steady_clock::now();
    const Answers answers = session_.run(inputs, policy_);
    const std::chrono::duration<double, std::milli> spent = std::chrono::steady_clock::now() - start;
    const auto classes = static_cast<std::size_t>(answers.logits.dim(1));
    for (std::size_t row = 0; row < names_.size(); ++row) {
      const auto exit = static_cast<std::size_t>(answers.exit.at(row));
      const std::span<const float> logits(answers.logits.data<float>() + row * classes, classes);
      writer_.write({names_[row], answers.index.at(row), answers.confidence.at(row), session_.exit_names().at(exit),
                     probabilities(logits, exits_.at(exit).temperature),
                     spent.count() / static_cast<double>(names_.size())});
    }
  }

  const Model& model_;
  ExitPolicy policy_;
  Session session_;
  std::vector<ExitInfo> exits_;
  PredictionWriter writer_;
  std::size_t batch_;
  std::vector<std::string> names_;
  std::vector<Tensor> inputs_;
  bool failed_ = false;
};

/// Calls `use` with each image: files as they are, folders' images, and "-" for names from stdin, a line each.
void for_each_image(const std::vector<std::string>& inputs, bool stdin_allowed,
                    const std::function<void(const std::string&)>& use,
                    const std::function<void(const std::string&)>& report) {
  for (const std::string& input : inputs) {
    try {
      std::error_code ignored;
      if (stdin_allowed && input == "-") {
        while (const auto line = next_line(std::cin, "standard input")) {
          if (!line->empty()) for_each_image({*line}, false, use, report);
        }
      } else if (std::filesystem::is_directory(input, ignored)) {
        for (const std::string& image : images_below(input)) use(image);
      } else {
        use(input);
      }
    } catch (const Error& error) {
      report(error.what());
    }
  }
}

std::size_t widest_name(const std::vector<std::string>& inputs) {
  constexpr std::size_t unknown = 32;
  std::size_t width = 0;
  const auto measure = [&](const std::string& name) { width = std::max(width, display_width(printable(name))); };
  if (std::find(inputs.begin(), inputs.end(), "-") != inputs.end()) return unknown;
  for_each_image(inputs, false, measure, [](const std::string&) {});
  return width;
}

int run(const Options& options) {
  options.common.check();
  if (!options.text.empty()) throw Error("--text: belongs to text models; this version has image models");
  const Model model = Model::load(options.model);
  PredictionWriter::Options writing{.json = options.json};
  if (options.top_k) writing.top_k = static_cast<std::size_t>(*options.top_k);
  if (options.probabilities) writing.top_k = model.labels().size();
  if (!options.json) writing.input_width = widest_name(options.inputs);

  Predictor predictor(model, options, writing);
  for_each_image(
      options.inputs, true, [&](const std::string& name) { predictor.add(name); },
      [&](const std::string& message) { predictor.report(message); });
  predictor.flush();
  return predictor.failed() ? 1 : 0;
}

}  // namespace

Command add_predict(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* sub = app.add_subcommand(
      "predict",
      "Classify image files\n\n"
      "Takes PNG, JPEG and BMP files, folders of them, or - for names on standard input, one a line. Each answer "
      "tells the class, how sure the exit that answered is, which one it was, and the milliseconds of the network "
      "itself (of its batch, divided by the rows). An image that cannot be read is reported, and the others go on; "
      "the exit status is then 1.");
  sub->footer(
      "Examples:\n"
      "  sidenet predict model.safetensors cat.png photos/ --threshold 0.9\n"
      "  find . -name '*.jpg' | sidenet predict model.safetensors - --json --top-k 3");
  sub->add_option("MODEL", options->model, "Model file")->required()->option_text("MODEL");
  sub->add_option("INPUT", options->inputs, "Images, folders, or -")->option_text("INPUT...");
  auto* top = sub->add_option("--top-k", options->top_k, "Also the K most probable classes")
                  ->option_text("K")
                  ->check(CLI::Range(1, 1'000'000));
  sub->add_flag("--probabilities", options->probabilities, "Also all classes, most probable first")->excludes(top);
  sub->add_flag("--json", options->json, "One JSON object a line on stdout");
  sub->add_option("--text", options->text)->allow_extra_args(false)->group("");
  sub->callback([options] {
    if (options->inputs.empty() && options->text.empty()) throw CLI::RequiredError("INPUT");
  });
  add_policy_options(*sub, options->policy);
  add_common_options(*sub, options->common, {});
  return {sub, [options] { return run(*options); }};
}

}  // namespace sidenet::tools
