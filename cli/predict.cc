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
#include "json_lines.h"
#include "lines.h"
#include "outputs.h"
#include "predict_guard.h"
#include "predict_rows.h"
#include "predict_table.h"
#include "predict_texts.h"
#include "sidenet/dataset.h"
#include "sidenet/error.h"
#include "text.h"
#include "text_columns_options.h"

namespace sidenet::tools {
namespace {

struct Options {
  CommonOptions common;
  PolicyOptions policy;
  GuardOptions guard;
  std::string model, output;
  TextInputs texts;
  std::optional<int> top_k;
  bool probabilities = false, json = false;
  const CLI::Option *seed = nullptr, *batch = nullptr;
};

using Use = std::function<void(const std::string&)>;
/// What could not be read, and why.
using Report = std::function<void(const std::string& input, const std::string& message)>;

void for_each_image(const std::vector<std::string>& inputs, const Lines::Waiting* waiting,
                    const Use& use, const Report& report);

/// Those that standard input names, a line each.
void for_each_named_image(const Lines::Waiting& waiting, const Use& use, const Report& report) {
  Lines names = Lines::of_standard_input(Lines::Kind::names, waiting);
  while (names.next()) {
    try {
      if (const std::string& name = names.line(); !name.empty())
        for_each_image({name}, nullptr, use, report);
    } catch (const Error& error) {
      report(names.place(), names.place() + ": " + error.what());
    }
  }
}

/// Calls `use` with each image: files as they are, folders' images, and "-" for names from stdin, a
/// line each (waiting: what to do until they come; null: "-" is a file).
void for_each_image(const std::vector<std::string>& inputs, const Lines::Waiting* waiting,
                    const Use& use, const Report& report) {
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
      report(input, error.what());
    }
  }
}

constexpr std::size_t kTextColumns = 60;
/// Of what can wait until it is written.
constexpr std::int64_t kFileBatch = 32;
/// Rows without an answer that are named, where a file has all of them.
constexpr std::int64_t kToldFailures = 5;

void ignore(const std::string&, const std::string&) {}

std::size_t widest_name(const std::vector<std::string>& inputs) {
  constexpr std::size_t unknown = 32;
  std::size_t width = 0;
  const auto measure = [&](const std::string& name) {
    width = std::max(width, display_width(printable(name)));
  };
  if (std::find(inputs.begin(), inputs.end(), "-") != inputs.end()) return unknown;
  for_each_image(inputs, nullptr, measure, ignore);
  return width;
}

void predict_images(const Options& options, const Lines::Waiting& waiting, Predictor& predictor) {
  const bool to_file = !options.output.empty();
  const auto row = [&](const std::string& name) {
    InputRow row{name, name, {}};
    if (to_file) row.cells.push_back({name});
    return row;
  };
  for_each_image(
      options.texts.inputs, &waiting,
      [&](const std::string& name) { predictor.add_image(row(name)); },
      [&](const std::string& input, const std::string& message) {
        if (to_file) {
          predictor.add_failed(row(input), message);
        } else {
          predictor.report(message);
        }
      });
}

void check_inputs(const Options& options, const Model& model) {
  const std::vector<std::string>&texts = options.texts.texts, &pairs = options.texts.pairs;
  if (!model.is_text()) {
    const TextColumns& columns = options.texts.columns;
    const bool has_columns = !columns.text.empty() || !columns.pair.empty() ||
                             columns.encoding != TextEncoding::utf8 ||
                             columns.quotes != Quotes::automatic;
    if (!texts.empty() || !pairs.empty() || options.texts.tab_pairs || has_columns)
      throw Error("--text, --pair, --pairs and columns belong to text models, and " +
                  options.model + " takes images");
    return;
  }
  model.tokenizer();  // says so where there is none
  if (options.texts.tab_pairs && !texts.empty() && options.texts.inputs.empty())
    throw Error(
        "--pairs: is for lines of files or standard input, got --text (its second text is --pair)");
  if (!pairs.empty() && pairs.size() != texts.size()) {
    throw Error("--pair: expected as many as --text, " + std::to_string(texts.size()) + ", got " +
                std::to_string(pairs.size()));
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
    for_each_image({input}, nullptr, add, ignore);
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

/// What the command reads of the disk, for check_outputs().
Inputs read_files(const Options& options, const Model& model) {
  Inputs read;
  read.file("the model", options.model)
      .file("--guard-state", options.guard.state)
      .weight_cache(options.common.weight_cache);
  for (const std::string& input : options.texts.inputs) {
    std::error_code ignored;
    if (input == "-") {
      read.file("standard input", "/dev/stdin");
    } else if (std::filesystem::is_directory(input, ignored)) {
      read.folder("INPUT", input, model.is_text());
    } else {
      read.file("INPUT", input);
    }
  }
  return read;
}

void check_output(const Options& options, const Model& model) {
  if (options.output.empty()) return;
  if (!TableWriter::has_name(options.output)) {
    throw Error("-o " + options.output +
                ": expected a name that ends with .csv, .tsv or .jsonl (and .gz behind it)");
  }
  if ((options.top_k || options.probabilities) && !TableWriter::is_json(options.output))
    throw Error("-o " + options.output +
                ": --top-k and --probabilities need lists; expected a name that ends with .jsonl");
  check_outputs({{"-o", options.output}}, read_files(options, model));
}

std::size_t top_k(const Options& options, const Model& model) {
  if (options.probabilities) return model.labels().size();
  return options.top_k ? static_cast<std::size_t>(*options.top_k) : 0;
}

std::vector<std::string> exit_names(const Model& model) {
  std::vector<std::string> names;
  for (const ExitInfo& exit : model.exits()) names.push_back(exit.name);
  return names;
}

PredictionWriter::Options shown(const Options& options, const Model& model) {
  PredictionWriter::Options shown{
      .json = options.json, .top_k = top_k(options, model), .of_texts = model.is_text()};
  if (!options.json)
    shown.input_width = model.is_text() ? kTextColumns : widest_name(options.texts.inputs);
  return shown;
}

/// The closing line, and with --json and -o its object.
void sum_up(const PredictTotals& totals, const Options& options) {
  const bool to_file = !options.output.empty();
  if (!options.common.quiet) {
    std::cout.flush();
    std::cerr << printable((to_file ? options.output + ": " : "") + totals.str()) << '\n';
  }
  if (!to_file || !options.json) return;
  Json::object_t exits;
  for (std::size_t i = 0; i < totals.exits.size(); ++i)
    exits.push_back({totals.exits[i], totals.answered[i]});
  print_json({{"output", options.output},
              {"rows", totals.rows},
              {"failed", totals.failed},
              {"exits", exits},
              {"seconds", totals.seconds},
              {"rows_per_second", totals.rows_per_second()}});
}

int run(const Options& options) {
  options.common.check();
  const Model model = Model::load(options.model);
  check_inputs(options, model);
  check_output(options, model);
  const bool to_file = !options.output.empty();
  const ExitPolicy policy = make_policy(options.policy, model);
  std::optional<PredictGuard> guard;
  const bool seed_given = options.seed->count() > 0;
  if (options.guard.share)
    guard.emplace(options.guard, model, policy, seed_given ? options.common.seed : fresh_seed());

  std::optional<TextSources> texts;
  if (model.is_text()) texts.emplace(options.texts, to_file);
  std::optional<PredictionTable> table;
  if (to_file) {
    const std::vector<std::string> columns =
        texts ? texts->columns() : std::vector<std::string>{"file"};
    table.emplace(
        options.output, columns, model.labels(),
        PredictionTable::Options{.top_k = top_k(options, model), .audited = guard.has_value()});
  }
  std::optional<PredictionWriter> writer;
  if (!to_file) writer.emplace(model.labels(), exit_names(model), shown(options, model));

  if (!options.common.quiet) {
    print_note(check_note(model));
    print_note(certificate_note(model, policy, options.common.execution(), false));
    if (guard) print_note(guard->note());
    if (guard && !model.is_text()) print_note(order_note(options.texts.inputs));
    if (!model.is_text()) {
      for (const std::string& note : skipped_notes(options.texts.inputs)) print_note(note);
    }
    if (texts) {
      for (const std::string& note : texts->notes()) print_note(note);
    }
    if (table) print_note(table->note());
  }
  CommonOptions common = options.common;
  if (to_file && options.batch->count() == 0) common.batch = kFileBatch;
  Predictor predictor(model, policy,
                      {.session = {.execution = common.execution(),
                                   .weight_cache = common.weight_cache,
                                   .weight_cache_limit = common.weight_cache_bytes()},
                       .batch = static_cast<std::size_t>(common.batch),
                       .told = to_file ? kToldFailures : INT64_MAX},
                      to_file ? static_cast<AnswerWriter&>(*table) : *writer,
                      guard ? &*guard : nullptr);
  if (!options.common.quiet && !model.is_text())
    predictor.tell_at_first_jpeg(jpeg_note(model, policy, options.common.execution()));
  Lines::Waiting waiting;
  if (guard) waiting = {[&] { return guard->patience(); }, [&] { guard->idle(); }};
  if (texts) {
    texts->predict(waiting, predictor, options.common.quiet);
  } else {
    predict_images(options, waiting, predictor);
  }
  predictor.flush();
  if (!options.common.quiet && !model.is_text())
    print_note(orientation_note(model, "", predictor.pictures()));
  if (table) table->finish();
  const PredictTotals totals = predictor.totals();
  if (to_file && totals.failed > kToldFailures) {
    predictor.report(grouped(totals.failed - kToldFailures) + " more failed: see the column " +
                     table->error_column() + " of " + options.output);
  }
  if (to_file || (texts && texts->has_table() && totals.rows > 0)) sum_up(totals, options);
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
      "text model takes --text, tables (.csv, .tsv, .jsonl, .json; .gz), folders "
      "of .txt files (a file is one text), other files with one text a line, or "
      "- for texts on standard input, answered as they come. "
      "Each answer tells the class, how sure the exit that answered is, which "
      "one it was, and the milliseconds of the "
      "network itself (of its batch, divided by the rows; the first row that "
      "reaches a layer waits until it is made "
      "ready). A row that cannot be read is reported, and the others go "
      "on; the exit status is then 1. Each text has its line of output: one "
      "that fails, a blank one say, a line without an answer. With -o the "
      "answers go to a file, behind the columns of the input, a row for each "
      "row: 32 at a time, unless --batch says otherwise.");
  sub->footer(
      "Examples:\n"
      "  sidenet predict model.safetensors cat.png photos/ --threshold 0.9\n"
      "  find . -name '*.jpg' | sidenet predict model.safetensors - --json --top-k 3\n"
      "  sidenet predict certified.safetensors - --guard 0.05 --guard-state guard.json\n"
      "  sidenet predict text.safetensors reviews.csv -o answers.csv\n"
      "  sidenet predict text.safetensors --text \"What a lovely film.\"");
  sub->add_option("MODEL", options->model, "Model file")->required()->option_text("MODEL");
  sub->add_option("INPUT", options->texts.inputs, "Images, folders, tables, files of texts, or -")
      ->option_text("INPUT...");
  sub->add_option("-o,--output", options->output,
                  "Write the answers to a .csv, .tsv or .jsonl file (or .gz of them)")
      ->option_text("FILE")
      ->check([](const std::string& name) {
        return name.empty() ? std::string("expected the name of a file, got an empty one") : "";
      });
  auto* top = sub->add_option("--top-k", options->top_k, "Also the K most probable classes")
                  ->option_text("K")
                  ->check(CLI::Range(1, 1'000'000));
  sub->add_flag("--probabilities", options->probabilities, "Also all classes, most probable first")
      ->excludes(top);
  sub->add_flag("--json", options->json,
                "One JSON object a line on stdout; with -o one that sums up");
  sub->add_option("--text", options->texts.texts, "A text; may be repeated")
      ->allow_extra_args(false)
      ->option_text("TEXT");
  sub->add_option("--pair", options->texts.pairs,
                  "The second text of each --text, for models of text pairs")
      ->allow_extra_args(false)
      ->option_text("TEXT");
  sub->add_flag("--pairs", options->texts.tab_pairs,
                "Lines hold two texts with a tab between them");
  sub->callback([options] {
    if (options->texts.inputs.empty() && options->texts.texts.empty())
      throw CLI::RequiredError("INPUT");
  });
  add_text_columns_options(*sub, options->texts.columns);
  add_policy_options(*sub, options->policy);
  add_guard_options(*sub, options->guard);
  add_common_options(*sub, options->common, {.seed = true, .weight_cache = true});
  options->batch = sub->get_option("--batch");
  options->seed = sub->get_option("--seed")->description(
      "Seed of --guard's choice of rows (default: another one each time)");
  return {sub, [options] { return run(*options); }};
}

}  // namespace sidenet::tools
