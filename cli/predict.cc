#include <algorithm>
#include <filesystem>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include "assumptions.h"
#include "certificate_note.h"
#include "command.h"
#include "common_options.h"
#include "files.h"
#include "lines.h"
#include "predict_guard.h"
#include "predict_rows.h"
#include "sidenet/dataset.h"
#include "sidenet/error.h"
#include "text.h"

namespace sidenet::tools {
namespace {

struct Options {
  CommonOptions common;
  PolicyOptions policy;
  GuardOptions guard;
  std::string model;
  std::vector<std::string> inputs, texts, pairs;
  bool tab_pairs = false;
  std::optional<int> top_k;
  bool probabilities = false, json = false;
  const CLI::Option* seed = nullptr;
};

using Use = std::function<void(const std::string&)>;

void for_each_image(const std::vector<std::string>& inputs, const Lines::Waiting* waiting,
                    const Use& use, const Use& report);

/// Those that standard input names, a line each.
void for_each_named_image(const Lines::Waiting& waiting, const Use& use, const Use& report) {
  Lines names = Lines::of_standard_input(Lines::Kind::names, waiting);
  while (names.next()) {
    try {
      if (const std::string& name = names.line(); !name.empty())
        for_each_image({name}, nullptr, use, report);
    } catch (const Error& error) {
      report(names.place() + ": " + error.what());
    }
  }
}

/// Calls `use` with each image: files as they are, folders' images, and "-" for names from stdin, a
/// line each (waiting: what to do until they come; null: "-" is a file).
void for_each_image(const std::vector<std::string>& inputs, const Lines::Waiting* waiting,
                    const Use& use, const Use& report) {
  for (const std::string& input : inputs) {
    try {
      std::error_code ignored;
      if (waiting != nullptr && input == "-") {
        for_each_named_image(*waiting, use, report);
      } else if (std::filesystem::is_directory(input, ignored)) {
        for (const std::string& image : images_below(input).paths) use(image);
      } else {
        use(input);
      }
    } catch (const Error& error) {
      report(error.what());
    }
  }
}

constexpr std::size_t kTextColumns = 60;

std::size_t widest_name(const std::vector<std::string>& inputs) {
  constexpr std::size_t unknown = 32;
  std::size_t width = 0;
  const auto measure = [&](const std::string& name) {
    width = std::max(width, display_width(printable(name)));
  };
  if (std::find(inputs.begin(), inputs.end(), "-") != inputs.end()) return unknown;
  for_each_image(inputs, nullptr, measure, [](const std::string&) {});
  return width;
}

void predict_images(const Options& options, const Lines::Waiting& waiting, Predictor& predictor) {
  for_each_image(
      options.inputs, &waiting, [&](const std::string& name) { predictor.add_image(name); },
      [&](const std::string& message) { predictor.report(message); });
}

Text text_of_line(std::string line, bool tab_pairs) {
  Text text{std::move(line), std::nullopt};
  if (!tab_pairs) return text;
  const auto tab = text.first.find('\t');
  if (tab == std::string::npos) throw Error("expected two texts with a tab between them, got one");
  text.second = text.first.substr(tab + 1);
  text.first.resize(tab);
  return text;
}

/// How pandas reads a format of Dataset::format(); empty: it is no table.
std::string pandas_call(const std::string& format, const std::string& file) {
  const std::string quoted = "('" + file + "'";
  if (format == "CSV") return "read_csv" + quoted + ")";
  if (format == "TSV") return "read_csv" + quoted + ", sep='\\t')";
  if (format == "JSON") return "read_json" + quoted + ")";
  if (format == "JSON lines") return "read_json" + quoted + ", lines=True)";
  if (format == "Parquet") return "read_parquet" + quoted + ")";
  return format == "a spreadsheet" ? "read_excel" + quoted + ")" : "";
}

/// Throws Error for a table or a packed file, whose lines are no texts.
void check_lines(const std::string& path) {
  const std::string format = Dataset::format(path);
  if (format.empty()) return;
  const std::string call = pandas_call(format, std::filesystem::path(path).filename().string());
  throw Error(path + ": " + format + "; expected one text a line, or --text" +
              (call.empty() ? ""
                            : ". Its column: python3 -c \"import pandas; print(*pandas." + call +
                                  "['text'].fillna('').str.split().str.join(' '), sep='\\n')\""));
}

// One text a line, and one answer a line. Answers come as their batch is full, so a pipe is
// answered while it runs.
void predict_lines(Lines lines, bool tab_pairs, Predictor& predictor) {
  while (lines.next()) {
    Text text;
    try {
      text.first = lines.line();
      text = text_of_line(text.first, tab_pairs);
    } catch (const Error& error) {
      predictor.fail_text(text.first, lines.place() + ": " + error.what());
      continue;
    }
    predictor.add_text(text, lines.place());
  }
}

void predict_texts(const Options& options, const Lines::Waiting& waiting, Predictor& predictor) {
  for (std::size_t i = 0; i < options.texts.size(); ++i) {
    Text text{options.texts[i], std::nullopt};
    if (!options.pairs.empty()) text.second = options.pairs[i];
    predictor.add_text(
        text, options.texts.size() == 1 ? "--text" : "--text number " + std::to_string(i + 1));
  }
  for (const std::string& input : options.inputs) {
    try {
      if (input != "-") check_lines(input);
      predict_lines(input == "-"
                        ? Lines::of_standard_input(Lines::Kind::texts, waiting)
                        : Lines::of_file(input, "a file with one text a line", Lines::Kind::texts),
                    options.tab_pairs, predictor);
    } catch (const Error& error) {
      predictor.report(error.what());
    }
  }
}

void check_inputs(const Options& options, const Model& model) {
  if (!model.is_text()) {
    if (!options.texts.empty() || !options.pairs.empty() || options.tab_pairs)
      throw Error("--text, --pair and --pairs belong to text models, and " + options.model +
                  " takes images");
    return;
  }
  model.tokenizer();  // says so where there is none
  if (options.tab_pairs && !options.texts.empty() && options.inputs.empty())
    throw Error(
        "--pairs: is for lines of files or standard input, got --text (its second text is --pair)");
  if (!options.pairs.empty() && options.pairs.size() != options.texts.size()) {
    throw Error("--pair: expected as many as --text, " + std::to_string(options.texts.size()) +
                ", got " + std::to_string(options.pairs.size()));
  }
}

/// What to say where the guard is to watch a folder of class folders; else "".
std::string order_note(const std::vector<std::string>& inputs) {
  for (const std::string& input : inputs) {
    std::error_code ignored;
    if (input == "-" || !std::filesystem::is_directory(input, ignored)) continue;
    std::set<std::filesystem::path> folders;
    const auto add = [&](const std::string& image) {
      folders.insert(std::filesystem::path(image).parent_path());
    };
    for_each_image({input}, nullptr, add, [](const std::string&) {});
    folders.erase((std::filesystem::path(input) / "x").parent_path());
    if (folders.size() < 2) continue;
    return "note: --guard: the images of " + input +
           " come folder by folder, not mixed as a stream is, so that an alarm may tell of that "
           "order; better: find " +
           input + " -name '*.png' | shuf | sidenet predict … -";
  }
  return "";
}

/// What is skipped in folders of images, a line each.
std::vector<std::string> skipped_notes(const std::vector<std::string>& inputs) {
  std::vector<std::string> notes;
  for (const std::string& input : inputs) {
    std::error_code ignored;
    if (input == "-" || !std::filesystem::is_directory(input, ignored)) continue;
    try {
      for (const std::string& note : images_below(input).notes) notes.push_back(note);
    } catch (const Error&) {  // told where its images are read
    }
  }
  return notes;
}

void print_note(const std::string& note) {
  if (!note.empty()) std::cerr << printable(note) << '\n';
}

int run(const Options& options) {
  options.common.check();
  const Model model = Model::load(options.model);
  check_inputs(options, model);
  PredictionWriter::Options writing{.json = options.json, .of_texts = model.is_text()};
  if (options.top_k) writing.top_k = static_cast<std::size_t>(*options.top_k);
  if (options.probabilities) writing.top_k = model.labels().size();
  if (!options.json)
    writing.input_width = model.is_text() ? kTextColumns : widest_name(options.inputs);

  const ExitPolicy policy = make_policy(options.policy, model);
  std::optional<PredictGuard> guard;
  const bool seed_given = options.seed->count() > 0;
  if (options.guard.share)
    guard.emplace(options.guard, model, policy, seed_given ? options.common.seed : fresh_seed());
  if (!options.common.quiet) {
    print_note(check_note(model));
    print_note(certificate_note(model, policy, options.common.execution(), false));
    if (guard) print_note(guard->note());
    if (guard && !model.is_text()) print_note(order_note(options.inputs));
    if (!model.is_text()) {
      for (const std::string& note : skipped_notes(options.inputs)) print_note(note);
    }
  }
  Predictor predictor(model, policy,
                      {.execution = options.common.execution(),
                       .weight_cache = options.common.weight_cache,
                       .weight_cache_limit = options.common.weight_cache_bytes()},
                      static_cast<std::size_t>(options.common.batch), writing,
                      guard ? &*guard : nullptr);
  if (!options.common.quiet && !model.is_text())
    predictor.tell_at_first_jpeg(jpeg_note(model, policy, options.common.execution()));
  Lines::Waiting waiting;
  if (guard) waiting = {[&] { return guard->patience(); }, [&] { guard->idle(); }};
  (model.is_text() ? predict_texts : predict_images)(options, waiting, predictor);
  predictor.flush();
  if (!options.common.quiet && !model.is_text())
    print_note(orientation_note(model, "", predictor.pictures()));
  const bool is_kept = !guard || guard->finish(options.common.quiet);
  return predictor.failed() || !is_kept ? 1 : 0;
}

}  // namespace

Command add_predict(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* sub = app.add_subcommand(
      "predict",
      "Classify images or texts\n\n"
      "An image model takes PNG, JPEG, WebP and BMP files, folders of them, or - for "
      "names on standard input, one a line. A "
      "text model takes --text, files with one text a line, or - for texts on "
      "standard input, answered as they come. "
      "Each answer tells the class, how sure the exit that answered is, which "
      "one it was, and the milliseconds of the "
      "network itself (of its batch, divided by the rows; the first row that "
      "reaches a layer waits until it is made "
      "ready). A row that cannot be read is reported, and the others go "
      "on; the exit status is then 1. Each text has its line of output: one "
      "that fails, a blank one say, a line without an answer.");
  sub->footer(
      "Examples:\n"
      "  sidenet predict model.safetensors cat.png photos/ --threshold 0.9\n"
      "  find . -name '*.jpg' | sidenet predict model.safetensors - --json --top-k 3\n"
      "  sidenet predict certified.safetensors - --guard 0.05 --guard-state guard.json\n"
      "  sidenet predict text.safetensors --text \"What a lovely film.\"");
  sub->add_option("MODEL", options->model, "Model file")->required()->option_text("MODEL");
  sub->add_option("INPUT", options->inputs, "Images, folders, files of texts, or -")
      ->option_text("INPUT...");
  auto* top = sub->add_option("--top-k", options->top_k, "Also the K most probable classes")
                  ->option_text("K")
                  ->check(CLI::Range(1, 1'000'000));
  sub->add_flag("--probabilities", options->probabilities, "Also all classes, most probable first")
      ->excludes(top);
  sub->add_flag("--json", options->json, "One JSON object a line on stdout");
  sub->add_option("--text", options->texts, "A text; may be repeated")
      ->allow_extra_args(false)
      ->option_text("TEXT");
  sub->add_option("--pair", options->pairs,
                  "The second text of each --text, for models of text pairs")
      ->allow_extra_args(false)
      ->option_text("TEXT");
  sub->add_flag("--pairs", options->tab_pairs, "Lines hold two texts with a tab between them");
  sub->callback([options] {
    if (options->inputs.empty() && options->texts.empty()) throw CLI::RequiredError("INPUT");
  });
  add_policy_options(*sub, options->policy);
  add_guard_options(*sub, options->guard);
  add_common_options(*sub, options->common, {.seed = true, .weight_cache = true});
  options->seed = sub->get_option("--seed")->description(
      "Seed of --guard's choice of rows (default: another one each time)");
  return {sub, [options] { return run(*options); }};
}

}  // namespace sidenet::tools
