#include "common_options.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "sidenet/error.h"

namespace sidenet::tools {
namespace {

/// "" where the text is a threshold, else what is wrong with it.
std::string check_threshold(const std::string& text) {
  const auto value = parse_number(text);
  return value && *value >= 0
             ? ""
             : "threshold '" + text + "': expected a number of at least 0 (above 1 shuts the exit)";
}

struct NamedThreshold {
  std::string name, threshold;
};
NamedThreshold split_threshold(const std::string& part) {
  const auto equals = part.rfind('=');
  if (equals == std::string::npos) return {};
  return {part.substr(0, equals), part.substr(equals + 1)};
}

std::string check_thresholds(const std::string& text) {
  std::vector<std::string> seen;
  for (const std::string& part : split_commas(text)) {
    const auto [name, threshold] = split_threshold(part);
    if (name.empty())
      return "thresholds '" + text + "': expected NAME=T,NAME=T, got '" + part + "'";
    if (std::find(seen.begin(), seen.end(), name) != seen.end())
      return "thresholds: '" + name + "' stands twice";
    if (const auto wrong = check_threshold(threshold); !wrong.empty()) return wrong;
    seen.push_back(name);
  }
  return seen.empty() ? "thresholds: expected NAME=T,NAME=T" : "";
}

}  // namespace

std::vector<std::string> split_commas(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; !text.empty();) {
    const auto comma = text.find(',', begin);
    parts.push_back(text.substr(begin, comma - begin));
    if (comma == std::string::npos) break;
    begin = comma + 1;
  }
  return parts;
}

std::optional<double> parse_number(const std::string& text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (result.ec != std::errc() || result.ptr != end || std::isnan(value)) return std::nullopt;
  return value;
}

void CommonOptions::check() const {
  if (precision != "f32")
    throw Error("--precision " + precision + ": not available; this build computes in f32");
}

void add_common_options(CLI::App& app, CommonOptions& options, const CommonUse& use) {
  const std::string shown = "Common options", hidden;
  app.add_option("--threads", options.threads, "Threads; 0: all cores (default)")
      ->option_text("N")
      ->check(CLI::Range(0, 1024))
      ->group(use.threads ? shown : hidden);
  app.add_option("--precision", options.precision, "f32, bf16 or int8; this build computes in f32")
      ->option_text("TYPE")
      ->check(CLI::IsMember({"f32", "bf16", "int8"}))
      ->group(use.threads ? shown : hidden);
  app.add_flag("--no-winograd", options.no_winograd,
               "Convolutions by the direct sum alone: slower, less rounding")
      ->group(use.threads ? shown : hidden);
  app.add_option(
         "--weight-cache", options.weight_cache,
         "Folder of your own that keeps reordered weights, so that the next start is faster")
      ->option_text("DIR")
      ->group(use.weight_cache ? shown : hidden);
  app.add_option("--weight-cache-limit", options.weight_cache_limit,
                 "What it may hold; the least recently used go first (default " +
                     std::to_string(options.weight_cache_limit) + ")")
      ->option_text("MIB")
      ->check(CLI::Range(0, 1 << 24))
      ->group(use.weight_cache ? shown : hidden);
  app.add_option("--batch", options.batch,
                 "Rows computed together (default " + std::to_string(options.batch) + ")")
      ->option_text("N")
      ->check(CLI::Range(1, 65536))
      ->group(use.batch ? shown : hidden);
  app.add_option("--seed", options.seed, "Seed of all randomness (default 1)")
      ->option_text("N")
      ->group(use.seed ? shown : hidden);
  app.add_flag("--quiet", options.quiet, "No progress and no summary on stderr")->group(shown);
}

void add_policy_options(CLI::App& app, PolicyOptions& options) {
  const std::string group = "Which exit answers (default: the model's own thresholds)";
  auto* threshold = app.add_option("--threshold", options.threshold,
                                   "An exit answers where it is at least this sure; above 1: never")
                        ->option_text("T")
                        ->check(check_threshold)
                        ->group(group);
  auto* thresholds =
      app.add_option("--thresholds", options.thresholds, "The same by exit; wins over --threshold")
          ->option_text("NAME=T,...")
          ->check(check_thresholds)
          ->group(group);
  auto* exit = app.add_option("--exit", options.exit, "Always answer at this exit")
                   ->option_text("NAME")
                   ->group(group);
  auto* final_only =
      app.add_flag("--final-only", options.final_only, "MainNet's own answer; exits cost nothing")
          ->group(group);
  exit->excludes(threshold, thresholds, final_only);
  final_only->excludes(threshold, thresholds);
  add_enum_option<Confidence>(
      app, "--confidence", options.confidence,
      "How sure is measured: max (highest probability, default), margin (over the "
      "second) or entropy")
      ->option_text("KIND")
      ->group(group);
}

ExitPolicy make_policy(const PolicyOptions& options, const Model& model) {
  const auto exits = model.exits();
  const auto require_exit = [&](const std::string& name, const char* option) {
    const auto same = [&](const ExitInfo& exit) { return exit.name == name; };
    if (std::any_of(exits.begin(), exits.end(), same)) return;
    std::string names;
    for (const ExitInfo& exit : exits) names += (names.empty() ? "" : ", ") + exit.name;
    throw Error(std::string(option) + ": no exit '" + name + "'; the model has " + names);
  };
  ExitPolicy policy;
  policy.threshold = options.threshold;
  policy.confidence = options.confidence;
  for (const std::string& part : split_commas(options.thresholds)) {
    const auto [name, threshold] = split_threshold(part);
    require_exit(name, "--thresholds");
    if (name == "final")
      throw Error("--thresholds: 'final' takes none; it answers whatever reaches it");
    policy.thresholds[name] = parse_number(threshold).value();
  }
  if (options.final_only) policy.always_exit = "final";
  if (!options.exit.empty()) {
    require_exit(options.exit, "--exit");
    policy.always_exit = options.exit;
  }
  return policy;
}

}  // namespace sidenet::tools
