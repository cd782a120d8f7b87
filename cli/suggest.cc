#include <filesystem>
#include <functional>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "command.h"
#include "common_options.h"
#include "json_lines.h"
#include "picture_notes.h"
#include "progress.h"
#include "row_options.h"
#include "sidenet/error.h"
#include "sidenet/suggestion.h"
#include "sidenet/train_options.h"
#include "table.h"
#include "text.h"
#include "text_columns_options.h"
#include "warnings.h"

namespace sidenet::tools {
namespace {

struct Options {
  CommonOptions common;
  SuggestOptions suggest;
  DatasetOptions rows;
  std::string model, candidates, compare, by = "compute";
  std::vector<std::string> data, probe_data;
  bool json = false;
};

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ",") + part;
  return text;
}

/// As a POSIX shell reads it back.
std::string quoted(const std::string& word) {
  const char* plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./_-";
  if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) return word;
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

/// The `sidenet train` that makes the suggested exits; options that are train's own defaults are
/// left out.
std::string train_command(const ExitSet& set, const Options& options, bool is_text) {
  std::string line = "sidenet train " + quoted(options.model);
  const auto add = [&](const std::string& option, const std::string& value) {
    line += " " + option + " " + quoted(value);
  };
  const bool apart = !options.probe_data.empty();
  for (const std::string& data : apart ? options.probe_data : options.data) add("--data", data);
  if (!apart) {
    for (const auto& [option, value] : row_words(options.rows)) add(option, value);
  }
  const TextColumns columns, &given = options.rows.columns;
  if (given.text != columns.text) add("--text-column", given.text);
  if (given.pair != columns.pair) add("--pair-column", given.pair);
  if (given.label != columns.label) add("--label-column", given.label);
  if (given.encoding != columns.encoding) add("--encoding", name_of(given.encoding));
  add("--at", joined(set.taps));
  const TrainOptions train;
  const SuggestOptions& suggest = options.suggest;
  if (suggest.hidden != train.hidden) add("--hidden", std::to_string(suggest.hidden));
  if (!is_text && suggest.pool != train.pool) add("--pool", std::to_string(suggest.pool));
  if (is_text && suggest.token_pool != train.token_pool)
    add("--token-pool", name_of(suggest.token_pool));
  const std::filesystem::path model(options.model);
  add("-o", (model.parent_path() / (model.stem().string() + "_exits.safetensors")).string());
  return line;
}

Json set_json(const ExitSet& set) {
  return {
      {"at", set.taps},           {"threshold", set.threshold > 1 ? Json() : Json(set.threshold)},
      {"worth", set.worth},       {"saved", set.saved},
      {"accuracy", set.accuracy}, {"agreement", set.agreement},
      {"rows", set.rows}};
}

Json as_json(const Suggestion& result, const Options& options, const std::string& command) {
  Json taps = Json::array(), sets = Json::array();
  for (const ProbedTap& tap : result.taps) {
    taps.push_back({{"name", tap.name},
                    {"compute_share", tap.compute_share},
                    {"head_compute", tap.head_compute},
                    {"ms", tap.ms},
                    {"head_ms", tap.head_ms},
                    {"accuracy", tap.accuracy},
                    {"ece", tap.ece},
                    {"auroc", tap.auroc},
                    {"threshold", tap.threshold > 1 ? Json() : Json(tap.threshold)},
                    {"answered", tap.answered},
                    {"saved", tap.saved}});
  }
  for (const ExitSet& set : result.sets) sets.push_back(set_json(set));
  Json suggested = set_json(result.suggested);
  suggested["gains"] = result.gains;
  return {{"probe_rows", result.probe_rows},
          {"choosing_rows", result.choosing_rows},
          {"told_rows", result.told_rows},
          {"left_out", result.left_out},
          {"mainnet_accuracy", result.mainnet_accuracy},
          {"mainnet_ms", result.mainnet_ms},
          {"max_drop", options.suggest.max_drop},
          {"by", options.by},
          {"taps", taps},
          {"sets", sets},
          {"suggested", suggested},
          {"compared", result.compared ? set_json(*result.compared) : Json()},
          {"command", command.empty() ? Json() : Json(command)},
          {"warnings", result.warnings}};
}

std::string points(double difference) {
  return (difference < 0 ? "" : "+") + fixed(100 * difference, 2);
}

void print_taps(const Suggestion& result, bool by_time) {
  Table table({{"tap"},
               {by_time ? "ms" : "compute", true},
               {"SideNet", true},
               {"accuracy", true},
               {"ECE", true},
               {"AUROC", true},
               {"answers alone", true},
               {"saves alone", true}});
  for (const ProbedTap& tap : result.taps) {
    table.add({tap.name, by_time ? fixed(tap.ms, 3) : percent(tap.compute_share, 1),
               by_time ? fixed(tap.head_ms, 4) : percent(tap.head_compute, 2),
               percent(tap.accuracy), fixed(tap.ece, 3), fixed(tap.auroc, 3),
               percent(tap.answered, 1), percent(tap.saved, 1)});
  }
  table.print(std::cout);
}

void print_sets(const Suggestion& result) {
  Table table({{"exits", true},
               {"worth", true},
               {"saved", true},
               {"points", true},
               {"same class", true},
               {"at"}});
  const auto add = [&](const std::string& name, const ExitSet& set) {
    table.add({name, percent(set.worth, 1), percent(set.saved, 1),
               points(set.accuracy - result.mainnet_accuracy), percent(set.agreement),
               joined(set.taps)});
  };
  for (const ExitSet& set : result.sets) {
    const bool taken = set.taps == result.suggested.taps;
    add((taken ? "-> " : "") + std::to_string(set.taps.size()), set);
  }
  if (result.compared)
    add("yours: " + std::to_string(result.compared->taps.size()), *result.compared);
  table.print(std::cout);
}

void print_suggested(const Suggestion& result) {
  Table table({{"exit"}, {"answers", true}, {"gain", true}});
  const ExitSet& set = result.suggested;
  for (std::size_t i = 0; i < set.rows.size(); ++i) {
    const double share = static_cast<double>(set.rows[i]) / static_cast<double>(result.told_rows);
    const bool final = i == set.taps.size();
    table.add({final ? kFinalExit : set.taps[i], percent(share, 1),
               final ? "-" : percent(result.gains[i], 1)});
  }
  table.print(std::cout);
}

void print(const Suggestion& result, const Options& options, const std::string& command) {
  const std::string cost = options.suggest.by_time ? "time" : "compute";
  std::cout << printable(options.model) << ": " << result.taps.size()
            << " taps tried by probes that learnt from " << grouped(result.probe_rows) << " rows\n"
            << grouped(result.choosing_rows) << " other rows chose; " << grouped(result.told_rows)
            << " chose nothing, and what is told is of them";
  if (result.left_out > 0)
    std::cout << " (" << grouped(result.left_out) << " were left out: probes learnt them)";
  std::cout << "\nMainNet: " << percent(result.mainnet_accuracy) << "\n\n";
  print_taps(result, options.suggest.by_time);
  const std::string loss = fixed(100 * options.suggest.max_drop, 2);
  std::cout << "\nThe best sets, SideNets (hidden " << options.suggest.hidden << ") included\n"
            << "worth: " << cost
            << " saved where the set was chosen, the mean at losses of half, once and twice "
            << loss << " points\nsaved: at " << loss
            << " points; a loss is the mean of points of accuracy and of answers that are not "
            << "MainNet's\n\n";
  print_sets(result);
  if (command.empty()) {
    std::cout << "\nNo exit saves " << percent(options.suggest.min_gain, 1) << " of MainNet's "
              << cost << " at that loss: none is suggested\n";
    return;
  }
  std::cout << "\nSuggested: " << percent(result.suggested.saved, 1) << " of MainNet's " << cost
            << " saved, " << points(result.suggested.accuracy - result.mainnet_accuracy)
            << " points, same class as MainNet " << percent(result.suggested.agreement)
            << " (gain: in worth, over the set without the exit)\n\n";
  print_suggested(result);
  std::cout << "\nSideNets trained longer, on more rows, save more than probes";
  if (options.probe_data.empty()) std::cout << " (and probes more that learn from --probe-data)";
  std::cout << ". To make them:\n\n  " << printable(command) << "\n";
}

int run(Options& options) {
  options.common.check();
  SuggestOptions& suggest = options.suggest;
  suggest.execution = options.common.execution();
  suggest.seed = options.common.seed;
  suggest.candidates = split_commas(options.candidates);
  suggest.compare = split_commas(options.compare);
  suggest.by_time = options.by == "time";
  const Model model = Model::load(options.model);
  std::vector<NamedData> named;
  std::vector<std::shared_ptr<const Dataset>> data;
  for (const std::string& spec : options.data) {
    data.push_back(open_dataset(spec, options.rows, options.common.quiet));
    named.emplace_back(spec, data.back());
  }
  for (const std::string& spec : options.probe_data) {
    const DatasetOptions all_rows{.columns = options.rows.columns,
                                  .labels_from = options.rows.labels_from};
    suggest.probe_data.push_back(open_dataset(spec, all_rows, options.common.quiet));
  }
  const Suggestion result = [&] {
    ProgressBar progress(options.common.quiet, "rows");
    return suggest_exits(model, data, suggest, std::ref(progress));
  }();
  for (const std::string& note : result.notes) std::cerr << printable(note) << '\n';
  print_warnings(result.warnings, options.common.quiet);
  tell_orientations(model, named, options.common.quiet);
  const std::string command = result.suggested.taps.empty()
                                  ? ""
                                  : train_command(result.suggested, options, model.is_text());
  if (options.json) {
    Json json = as_json(result, options, command);
    add_taken(json, named, options.rows);
    print_json(json);
  } else {
    print(result, options, command);
  }
  return 0;
}

template <typename Number>
std::string with_default(const std::string& text, Number value) {
  std::ostringstream out;
  out << text << " (default " << value << ")";
  return out.str();
}

void add_choice_options(CLI::App& sub, Options& options) {
  SuggestOptions& suggest = options.suggest;
  const std::string choice = "The choice";
  sub.add_option("--rows", suggest.rows,
                 with_default("At most so many rows of the data, drawn by the seed", suggest.rows))
      ->option_text("N")
      ->check(CLI::Range(std::int64_t{100}, std::int64_t{1} << 32))
      ->group(choice);
  sub.add_option("--max-exits", suggest.max_exits,
                 with_default("At most so many exits, up to 16", suggest.max_exits))
      ->option_text("N")
      ->check(CLI::Range(1, 16))
      ->group(choice);
  sub.add_option(
         "--max-drop", suggest.max_drop,
         with_default("Accuracy that may be lost, about: 0.01 is one point", suggest.max_drop))
      ->option_text("E")
      ->check(CLI::Range(0.0, 0.999999))
      ->group(choice);
  sub.add_option("--min-gain", suggest.min_gain,
                 with_default("Share of MainNet's cost that an exit must save", suggest.min_gain))
      ->option_text("G")
      ->check(CLI::Range(0.0, 0.999999))
      ->group(choice);
  sub.add_option(
         "--by", options.by,
         "What is saved: compute (multiply-adds, default), or time measured here at --batch")
      ->option_text("KIND")
      ->check(CLI::IsMember({"compute", "time"}))
      ->group(choice);
  sub.add_option("--candidates", options.candidates,
                 "Taps to try (default: all, or 24 spread evenly over the compute)")
      ->option_text("TAP,...")
      ->group(choice);
  sub.add_option("--compare", options.compare,
                 "Taps of your own choice, told beside the suggestion")
      ->option_text("TAP,...")
      ->group(choice);
}

void add_probe_options(CLI::App& sub, Options& options) {
  SuggestOptions& suggest = options.suggest;
  const CLI::Range positive(1, 65536);
  const std::string sidenets = "SideNets, as train will be asked for them", probes = "Probes";
  sub.add_option("--hidden", suggest.hidden,
                 with_default("Width of the hidden layer: what an exit costs", suggest.hidden))
      ->option_text("N")
      ->check(positive)
      ->group(sidenets);
  sub.add_option("--pool", suggest.pool,
                 with_default("Images: taps are averaged to N x N", suggest.pool))
      ->option_text("N")
      ->check(CLI::Range(1, 64))
      ->group(sidenets);
  add_enum_option<TokenPooling>(
      sub, "--token-pool", suggest.token_pool,
      with_default("Texts: cls, mean or cls+mean", name_of(suggest.token_pool)))
      ->option_text("NAME")
      ->group(sidenets);
  sub.add_option("--probe-data", options.probe_data,
                 "Rows that they learn from, best those for train; may be repeated")
      ->allow_extra_args(false)
      ->option_text("DATA")
      ->group(probes);
  sub.add_option("--probe-rows", suggest.probe_rows,
                 with_default("At most so many of these", suggest.probe_rows))
      ->option_text("N")
      ->check(CLI::Range(std::int64_t{100}, std::int64_t{1} << 32))
      ->group(probes);
  sub.add_option("--probe-hidden", suggest.probe_hidden,
                 with_default("Width of the hidden layer", suggest.probe_hidden))
      ->option_text("N")
      ->check(positive)
      ->group(probes);
  sub.add_option("--probe-epochs", suggest.probe_epochs,
                 with_default("At most", suggest.probe_epochs))
      ->option_text("N")
      ->check(CLI::Range(1, 1'000'000))
      ->group(probes);
}

}  // namespace

Command add_suggest(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* sub = app.add_subcommand(
      "suggest",
      "Propose where to put exits\n\n"
      "Tries every tap with a small SideNet that is trained shortly (a probe), and proposes the "
      "exits that save the most "
      "compute, or time, at a given loss of accuracy, what their SideNets cost included. Probes "
      "never score rows that they "
      "learnt, and what is told is of rows that chose nothing. It ends with the `sidenet train` "
      "line that makes the exits. "
      "DATA should be rows that MainNet's training has not seen: it is surer of those than of "
      "others. With --probe-data "
      "probes learn from other rows, as SideNets will; else from parts of DATA.");
  sub->footer(
      "Example:\n"
      "  sidenet suggest m.safetensors --data held_out/ --probe-data training/");
  sub->add_option("MODEL", options->model, "Model file; exits that it has are not looked at")
      ->required()
      ->option_text("MODEL");
  sub->add_option("--data", options->data, "Labelled rows; may be repeated")
      ->required()
      ->allow_extra_args(false)
      ->option_text("DATA");
  add_dataset_options(*sub, options->rows);
  add_choice_options(*sub, *options);
  add_probe_options(*sub, *options);
  sub->add_flag("--json", options->json, "One JSON object on stdout");
  add_common_options(*sub, options->common, {.seed = true});
  return {sub, [options] { return run(*options); }};
}

}  // namespace sidenet::tools
